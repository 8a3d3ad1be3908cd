import type { Reaction } from '../replies.ts';
import type { World } from '../world.ts';

/** What a request asks for. */
export interface Asked {
  readonly query: URLSearchParams;
  readonly body: string;
}

/** Answers one method of one path, and changes the world where it has to. */
export type Endpoint = (world: World, asked: Asked) => Reaction;
