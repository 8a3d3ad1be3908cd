import { copyFileSync } from 'node:fs';

/** The post step is not bundled: it is a line that loads the bundle only if there is something to restore. */
copyFileSync('lib/post.js', 'dist/post.js');
