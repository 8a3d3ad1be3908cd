/**
 * Says in a sentence what would otherwise be ERR_UNKNOWN_FILE_EXTENSION or a syntax error: scripts of this project are TypeScript,
 * which Node runs as it is from 24 on. It is plain JavaScript that any Node understands, and runs before them.
 */
const [major] = process.versions.node.split('.').map(Number);
if (major < 24) {
  console.error(
    `This is Node ${process.version}, and the project's scripts need Node 24. \`npm ci\` installs one for them, ` +
      'unless it was told --ignore-scripts: run `npm ci` without that, or use a Node 24 of your own.',
  );
  process.exit(1);
}
