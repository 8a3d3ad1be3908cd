import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What ncc tells about a module; one that was joined with others holds those. */
interface BundledModule {
  readonly nameForCondition?: string | null;
  readonly modules?: readonly BundledModule[];
}

/** What `ncc build --stats-out` writes, as far as it is read here. */
export interface BundleStats {
  readonly modules: readonly BundledModule[];
}

interface Manifest {
  readonly name: string;
  readonly license: string;
}

/**
 * The folders of the packages that a bundle is made of, sorted. ncc's own list of licences leaves out the packages whose modules were
 * all joined with others, so they are collected here.
 */
export function bundledPackages({ modules }: BundleStats): string[] {
  const folders = modules.flatMap(pathsOf).flatMap((path) => packageFolderOf(path) ?? []);
  return [...new Set(folders)].sort();
}

function pathsOf({ nameForCondition, modules = [] }: BundledModule): string[] {
  return [nameForCondition ?? '', ...modules.flatMap(pathsOf)];
}

/** `.../node_modules/@scope/name` of a file in it; the innermost one where packages hold packages. */
function packageFolderOf(path: string): string | undefined {
  return /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+/.exec(path)?.[0];
}

/**
 * For each package its name, the name of its licence, and the licence's text.
 *
 * @throws Error for a package that brings no text: its licence has to be looked up and kept by hand.
 */
export function licenseTexts(folders: readonly string[]): string {
  const texts = folders.map((folder) => {
    const { name, license }: Manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    return { name, text: `${name}\n${license}\n${readLicense(folder)}\n` };
  });
  // The same package may be there twice, in two versions.
  const byName = new Map(texts.map(({ name, text }) => [name, text]));
  return [...byName.values()].join('\n');
}

function readLicense(folder: string): string {
  const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
  if (file === undefined) throw new Error(`${folder} holds no licence`);
  return readFileSync(join(folder, file), 'utf8').replaceAll('\r\n', '\n').trim();
}
