import { faultless, type Scenario } from './scenario.ts';

type Leaf = null | undefined | boolean | number | string;
/** A scenario as a tree. */
type Tree = Leaf | readonly Tree[] | { readonly [key: string]: Tree };

/**
 * The smallest scenario that still breaks a guarantee: everything that does not matter is as in a world where nothing goes wrong.
 * @param isBroken whether a scenario still breaks a guarantee
 */
export async function shrink(
  scenario: Scenario,
  isBroken: (scenario: Scenario) => Promise<boolean>,
): Promise<Scenario> {
  for (const candidate of simpler(scenario as unknown as Tree, plainOf(scenario) as unknown as Tree)) {
    const smaller = candidate as unknown as Scenario;
    if (await isBroken(smaller)) return shrink(smaller, isBroken);
  }
  return scenario;
}

/** The world with the same number of VMs where nothing goes wrong. */
function plainOf({ world, vms }: Scenario): Scenario {
  return faultless(world.seed, vms.length);
}

/** The differences from a world where nothing goes wrong, by path, such as `network.rates.refused`. */
export function differences(scenario: Scenario): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  collect(scenario as unknown as Tree, plainOf(scenario) as unknown as Tree, {
    path: '',
    found,
  });
  return found;
}

/** The scenario with these differences from a world where nothing goes wrong: the inverse of {@link differences}. */
export function scenarioWith(seed: number, changes: Readonly<Record<string, unknown>>, vms = 1): Scenario {
  const scenario = structuredClone(faultless(seed, vms)) as unknown as Record<string, unknown>;
  for (const [path, value] of Object.entries(changes)) {
    const keys = path.split('.');
    const last = keys.pop() ?? '';
    const owner = keys.reduce((inner, key) => inner[key] as Record<string, unknown>, scenario);
    owner[last] = value;
  }
  return scenario as unknown as Scenario;
}

/** For each difference, the tree without it; an event or a VM can also be removed as a whole. */
function* simpler(tree: Tree, plain: Tree): Generator<Tree> {
  if (isList(tree)) {
    yield* simplerLists(tree, isList(plain) ? plain : []);
  } else if (isBranch(tree) && isBranch(plain)) {
    for (const [key, value] of Object.entries(tree)) {
      for (const smaller of simpler(value, plain[key])) yield { ...tree, [key]: smaller };
    }
  } else if (tree !== plain) {
    yield plain;
  }
}

function* simplerLists(list: readonly Tree[], plain: readonly Tree[]): Generator<Tree> {
  // Only the list of VMs is never empty: one VM stays.
  const isShrinkable = list.length > Math.min(1, plain.length);
  if (isShrinkable) for (const index of list.keys()) yield list.toSpliced(index, 1);
  for (const [index, like] of plain.slice(0, list.length).entries()) {
    for (const smaller of simpler(list[index], like)) yield list.with(index, smaller);
  }
}

interface Collection {
  readonly path: string;
  readonly found: Record<string, unknown>;
}

function collect(tree: Tree, plain: Tree, { path, found }: Collection): void {
  const below = (key: string | number) => (path === '' ? `${key}` : `${path}.${key}`);
  if (isList(tree)) {
    if (isList(plain) && tree.length === plain.length) {
      for (const [index, value] of tree.entries())
        collect(value, plain[index], { path: below(index), found });
    } else if (tree.length > 0) found[path] = tree;
  } else if (isBranch(tree) && isBranch(plain)) {
    for (const [key, value] of Object.entries(tree)) collect(value, plain[key], { path: below(key), found });
  } else if (tree !== plain) {
    found[path] = tree;
  }
}

function isList(tree: Tree): tree is readonly Tree[] {
  return Array.isArray(tree);
}

function isBranch(tree: Tree): tree is { readonly [key: string]: Tree } {
  return typeof tree === 'object' && tree !== null && !isList(tree);
}
