import { useQueryClient } from '@tanstack/react-query';
import { useCallback, useRef, useState } from 'react';
import { api, asProblem, newKey } from '../../api/client';
import type { Answer, Values } from '../../api/types';
import { asks, missingInput, operationOf, useMeta } from '../../registry';
import { act, again, back, begin, refuse, replaceTop, succeed, top, type Stack } from './stack';

export interface StartOptions {
  label?: string;
  /** Ask only for what is missing; else for all input that the operation has. */
  onlyMissing?: boolean;
}

export interface Running {
  stack: Stack;
  start: (operation: string, input: Values, options?: StartOptions) => void;
  submit: (input: Values) => void;
  action: (index: number) => void;
  tryAgain: () => void;
  retry: () => void;
  cancel: () => void;
  clear: () => void;
  busy: boolean;
}

/** Runs operations for a screen, with their dialogs, refusals and results. `onDone` hears of each success. */
export function useOperation(onDone?: (operation: string, answer: Answer) => void): Running {
  const meta = useMeta();
  const client = useQueryClient();
  const [stack, setStack] = useState<Stack>([]);
  const current = useRef(stack);
  current.current = stack;
  const told = useRef(onDone);
  told.current = onDone;

  const put = useCallback((next: Stack) => {
    current.current = next;
    setStack(next);
  }, []);

  const send = useCallback(
    async (next: Stack) => {
      put(next);
      const call = top(next);
      if (!call || call.status !== 'running') return;
      const operation = operationOf(meta, call.operation);
      const mine = call.key;
      const stillTop = () => top(current.current)?.key === mine;
      try {
        const answer = await api.operate(call.operation, call.input, call.key);
        // What it changed is told by the event stream too; this is for the time until then, and without it.
        void client.invalidateQueries({ predicate: ({ queryKey }) => ['entity', 'figures', 'inbox', 'task'].includes(String(queryKey[0])) });
        if (stillTop()) put(succeed(current.current, answer));
        told.current?.(operation?.name ?? call.operation, answer);
      } catch (error) {
        if (stillTop()) put(refuse(current.current, asProblem(error)));
      }
    },
    [client, meta, put],
  );

  const start = useCallback(
    (name: string, input: Values, options: StartOptions = {}) => {
      const operation = operationOf(meta, name);
      if (operation?.file && operation.read) {
        window.open(api.readAddress(name, input as Record<string, string>), '_blank', 'noopener');
        return;
      }
      const ask = operation
        ? options.onlyMissing
          ? missingInput(operation, input).length > 0
          : asks(operation, input)
        : false;
      void send([begin(name, options.label ?? operation?.label ?? name, input, ask)]);
    },
    [meta, send],
  );

  return {
    stack,
    start,
    submit: (input) => {
      const call = top(current.current);
      if (!call) return;
      // Other input is another click, even where the last one was lost on the way.
      const key = JSON.stringify(call.input) === JSON.stringify(input) ? call.key : newKey();
      void send(replaceTop(current.current, { input, key, status: 'running', problem: undefined }));
    },
    action: (index) => {
      const chosen = top(current.current)?.problem?.actions?.[index];
      if (!chosen) return;
      const operation = operationOf(meta, chosen.operation);
      void send(act(current.current, chosen, operation ? missingInput(operation, chosen.input).length > 0 : false));
    },
    tryAgain: () => void send(again(current.current)),
    retry: () => void send(replaceTop(current.current, { status: 'running', problem: undefined })),
    cancel: () => put(back(current.current)),
    clear: () => put([]),
    busy: top(stack)?.status === 'running',
  };
}
