// Calls of operations, one upon the other: a refused one offers actions, an action that succeeds offers the refused one
// again. Pure, so that it can be tested.
import type { Action, Answer, Outcome, Problem, Values } from '../../api/types';
import { newKey } from '../../api/client';

export type Status = 'asking' | 'running' | 'refused' | 'done';

export interface Call {
  operation: string;
  /** What its button was called. */
  label: string;
  input: Values;
  /** Titles of the references in the input. */
  titles?: Record<string, unknown>;
  /** Kept while the same click is sent again. */
  key: string;
  status: Status;
  /** It was asked for in a dialog, and goes back to it when fields are wrong. */
  dialog: boolean;
  problem?: Problem;
  outcome?: Outcome;
  answer?: Answer;
}

export type Stack = Call[];

export const top = (stack: Stack): Call | undefined => stack.at(-1);

export function begin(operation: string, label: string, input: Values, ask: boolean): Call {
  return { operation, label, input, key: newKey(), status: ask ? 'asking' : 'running', dialog: ask };
}

export const replaceTop = (stack: Stack, change: Partial<Call>): Stack => {
  const last = top(stack);
  return last ? [...stack.slice(0, -1), { ...last, ...change }] : stack;
};

/** A refusal with a network behind it keeps its key, so that a repeat is the same click; a judged one gets a new key. */
export function refuse(stack: Stack, problem: Problem): Stack {
  const last = top(stack);
  if (!last) return stack;
  const sameClick = problem.status === 0 || problem.status >= 500;
  const wrongFields = Boolean(problem.errors?.length) && !problem.actions?.length;
  const status = last.dialog && (wrongFields || sameClick) ? 'asking' : 'refused';
  return replaceTop(stack, { status, problem, key: sameClick ? last.key : newKey() });
}

export function succeed(stack: Stack, answer: Answer): Stack {
  return replaceTop(stack, { status: 'done', answer, outcome: answer._result ?? {}, problem: undefined });
}

/** The action of a refusal is put upon the refused call. */
export function act(stack: Stack, action: Action, ask: boolean): Stack {
  return [...stack, begin(action.operation, action.label, action.input, ask)];
}

/** Away with what stands on the refused call. */
export const back = (stack: Stack): Stack => stack.slice(0, -1);

/** The refused call below, to be tried again with a new key: it is another click. */
export function again(stack: Stack): Stack {
  return replaceTop(back(stack), { status: 'running', problem: undefined, key: newKey() });
}

export const refusedBelow = (stack: Stack): Call | undefined => (stack.length > 1 ? stack.at(-2) : undefined);
