import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';

interface LockFile {
  readonly version: string;
  readonly packages: Record<string, LockedPackage>;
}

interface LockedPackage {
  readonly version: string;
  readonly integrity?: string;
  readonly resolved?: string;
}

const lock: LockFile = JSON.parse(readFileSync('package-lock.json', 'utf8'));
const manifest: { version: string } = JSON.parse(readFileSync('package.json', 'utf8'));

/**
 * Binaries of developer tools for systems other than Linux on x64. The registry that the lock file was made with does not have them, so
 * there was no hash. None of them can get into `dist`.
 */
const WITHOUT_INTEGRITY = [
  '@biomejs/cli-android-arm64',
  '@biomejs/cli-android-x64',
  '@biomejs/cli-darwin-arm64',
  '@biomejs/cli-darwin-x64',
  '@biomejs/cli-linux-arm64-musl',
  '@biomejs/cli-linux-x64-musl',
  '@biomejs/cli-win32-arm64',
  '@biomejs/cli-win32-x64',
  '@swc/core-darwin-arm64',
  '@swc/core-darwin-x64',
  '@swc/core-linux-arm-gnueabihf',
  '@swc/core-linux-ppc64-gnu',
  '@swc/core-linux-s390x-gnu',
  '@swc/core-win32-arm64-msvc',
  '@swc/core-win32-ia32-msvc',
  '@swc/core-win32-x64-msvc',
  '@unrs/resolver-binding-android-arm-eabi',
  '@unrs/resolver-binding-android-arm64',
  '@unrs/resolver-binding-darwin-arm64',
  '@unrs/resolver-binding-darwin-x64',
  '@unrs/resolver-binding-freebsd-x64',
  '@unrs/resolver-binding-linux-arm-gnueabihf',
  '@unrs/resolver-binding-linux-arm-musleabihf',
  '@unrs/resolver-binding-linux-loong64-gnu',
  '@unrs/resolver-binding-linux-loong64-musl',
  '@unrs/resolver-binding-linux-ppc64-gnu',
  '@unrs/resolver-binding-linux-riscv64-gnu',
  '@unrs/resolver-binding-linux-riscv64-musl',
  '@unrs/resolver-binding-linux-s390x-gnu',
  '@unrs/resolver-binding-openharmony-arm64',
  '@unrs/resolver-binding-win32-arm64-msvc',
  '@unrs/resolver-binding-win32-ia32-msvc',
  '@unrs/resolver-binding-win32-x64-msvc',
];

test('every package has a hash, except those listed here', () => {
  const without = Object.entries(lock.packages).filter(
    ([path, { integrity }]) => path !== '' && integrity === undefined,
  );
  expect(without.map(([path]) => path.replace('node_modules/', '')).sort()).toEqual(WITHOUT_INTEGRITY);
});

test('the hashes are strong', () => {
  const hashes = Object.values(lock.packages).flatMap(({ integrity }) => integrity ?? []);
  expect(hashes.filter((hash) => !hash.startsWith('sha512-'))).toEqual([]);
});

test('every package comes from the configured registry', () => {
  expect(Object.values(lock.packages).filter(({ resolved }) => resolved !== undefined)).toEqual([]);
});

test('it has the version of package.json', () => {
  expect([lock.version, lock.packages['']?.version]).toEqual([manifest.version, manifest.version]);
});
