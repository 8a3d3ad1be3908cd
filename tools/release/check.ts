import { compareVersions, parseVersion, versionsOf } from './version.ts';

/** The data for the checks before a release. */
interface Candidate {
  /** The requested version. */
  readonly version: string;
  /** Branch or tag on which the workflow was started, such as `refs/heads/main`. */
  readonly ref: string;
  /** The versions in package.json and package-lock.json. */
  readonly manifestVersion: string;
  readonly lockVersion: string;
  /** All existing tags. */
  readonly tags: readonly string[];
}

/** Why a version cannot be released, one sentence each; empty if it can. */
export function problemsWith(candidate: Candidate): string[] {
  const { version, ref, manifestVersion, lockVersion, tags } = candidate;
  const parsed = parseVersion(version);
  if (parsed === undefined)
    return [`${JSON.stringify(version)} is not a semantic version, such as 1.2.3 or 1.2.3-rc.1`];
  const ofSameMajor = versionsOf(tags).filter(({ major }) => major === parsed.major);
  const problems: [boolean, string][] = [
    [ref !== 'refs/heads/main', `releases are made from main, not from ${ref}`],
    [manifestVersion !== version, `package.json has version ${manifestVersion}, not ${version}`],
    [lockVersion !== version, `package-lock.json has version ${lockVersion}, not ${version}`],
    [
      ofSameMajor.some((released) => compareVersions(released, parsed) >= 0),
      `${version} or a newer version has a tag already: v${parsed.major} would move back`,
    ],
  ];
  return problems.flatMap(([isWrong, text]) => (isWrong ? text : []));
}
