export type Shapes = Record<string, string[]>;
export interface Person {
  get: (path: string, refused?: boolean) => Promise<unknown>;
  post: (path: string, body: unknown, refused?: boolean) => Promise<unknown>;
}
export function shapeOf(value: unknown, path?: string, found?: Set<string>, key?: string): Set<string>;
export function answers(as: (user: string | null) => Promise<Person>): Promise<Record<string, unknown>>;
export function shapesOf(all: Record<string, unknown>): Shapes;
export function recorded(): Shapes;
export function record(shapes: Shapes): void;
export function differences(wanted: Shapes, found: Shapes): string[];
export function over(url: string): (user: string | null) => Promise<Person>;
