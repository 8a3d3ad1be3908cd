/**
 * Reports an old Node in a sentence, instead of as ERR_UNKNOWN_FILE_EXTENSION or a syntax error: the project's scripts are TypeScript,
 * which Node runs directly from version 24 on. This file is JavaScript for any Node, and runs before them.
 */
const [major] = process.versions.node.split('.').map(Number);
if (major < 24) {
  console.error(
    `This is Node ${process.version}, and the project's scripts need Node 24. \`npm ci\` installs one for them, ` +
      'unless it runs with --ignore-scripts: run `npm ci` without it, or use your own Node 24.',
  );
  process.exit(1);
}
