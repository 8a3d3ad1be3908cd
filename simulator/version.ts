/** What a controller's version means for those who talk to it, from the vendor's release notes. */
export interface Quirks {
  /** 1.44.0 brought `POST /api/v1/rpc/vm/restart` and `vminfo.start_date`. */
  readonly knowsRestarts: boolean;
  /** Before 1.47.0 a restart that goes well shows `Error` in passing, and instances vanish for a moment. */
  readonly flaps: boolean;
  /** Before 1.49.0 an instance in Error has `vminfo.status: "deleted"`, its `uuid`, and no other vminfo field. */
  readonly errorMeansDeleted: boolean;
  /** In 1.50 a new instance is Scheduling once more after Pulling. */
  readonly schedulesAgain: boolean;
  /** Old versions write the VNC password into vminfo, and other names for the forwarding's: `Name`, and once `rule_name`. */
  readonly writesVncPassword: boolean;
  readonly ruleNameKey: 'name' | 'Name' | 'rule_name';
}

/** @throws Error for what is no version such as 1.50.1 */
export function quirksOf(version: string): Quirks {
  const match = /^(\d+)\.(\d+)(\.\d+)?/.exec(version);
  if (match === null) throw new Error(`${JSON.stringify(version)} is no version such as 1.50.1`);
  const [major, minor] = [Number(match[1]), Number(match[2])];
  const isBefore = (otherMinor: number) => major < 1 || (major === 1 && minor < otherMinor);
  return {
    knowsRestarts: !isBefore(44),
    flaps: isBefore(47),
    errorMeansDeleted: isBefore(49),
    schedulesAgain: !isBefore(50),
    writesVncPassword: isBefore(36),
    ruleNameKey: isBefore(10) ? 'rule_name' : isBefore(20) ? 'Name' : 'name',
  };
}
