import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What ncc says about a module; a concatenated one contains others. */
interface BundledModule {
  readonly nameForCondition?: string | null;
  readonly modules?: readonly BundledModule[];
}

/** What `ncc build --stats-out` writes, as far as this module reads it. */
interface BundleStats {
  readonly modules: readonly BundledModule[];
}

interface Manifest {
  readonly name: string;
  readonly license: string;
}

/**
 * The folders of the packages in a bundle, sorted. ncc's own list of licenses omits packages whose modules were all concatenated with
 * others, so they are collected here.
 */
export function bundledPackages({ modules }: BundleStats): string[] {
  const folders = modules.flatMap(pathsOf).flatMap((path) => packageFolderOf(path) ?? []);
  return [...new Set(folders)].sort();
}

function pathsOf({ nameForCondition, modules = [] }: BundledModule): string[] {
  return [nameForCondition ?? '', ...modules.flatMap(pathsOf)];
}

/** `.../node_modules/@scope/name` of a file in it; the innermost one if packages contain packages. */
function packageFolderOf(path: string): string | undefined {
  return /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+/.exec(path)?.[0];
}

/**
 * For each package its name, the name of its license, and the license text.
 *
 * @throws Error for a package without a license text: then find the text and keep it here.
 */
export function licenseTexts(folders: readonly string[]): string {
  const texts = folders.map((folder) => {
    const { name, license }: Manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    return { name, text: `${name}\n${license}\n${readLicense(folder)}\n` };
  });
  // The bundle can contain two versions of a package.
  const byName = new Map(texts.map(({ name, text }) => [name, text]));
  return [...byName.values()].join('\n');
}

function readLicense(folder: string): string {
  const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
  if (file === undefined) throw new Error(`${folder} has no license text`);
  return readFileSync(join(folder, file), 'utf8').replaceAll('\r\n', '\n').trim();
}
