// Questions to /v1, and what came back: an envelope with data, or an error with its code. GET alone. The page asks when
// an address is opened and when the person asks again, never by itself, and one question at a time: a node answers one
// evidence question at a time, and a second one beside it would be BUSY.
import { signal } from '@preact/signals';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';

export interface ApiError {
  code: string;
  message: string;
  severity?: string;
  rule?: string | null;
  details?: Record<string, string>;
}

export interface Envelope<T> {
  api_version: number;
  observed_at: { node: string | null; snapshot: string; commit_id: number | null };
  data: T;
  notes: string[];
  next?: Record<string, string | number> | null;  // of a paged route: what gives the next page
}

export interface Answer<T> {
  url: string;
  state: 'asking' | 'answered' | 'refused';
  envelope?: Envelope<T>;
  data?: T;
  error?: ApiError;
}

// Raised by one each time the person asks again.
export const asked = signal(0);
// Questions that wait for their answer, and when the last answer came.
export const waiting = signal(0);
export const last_answer = signal<Date | null>(null);

export const ask_again = (): void => void (asked.value += 1);

let turn: Promise<unknown> = Promise.resolve();

async function fetch_answer<T>(url: string): Promise<Answer<T>> {
  try {
    const response = await fetch(url, { headers: { Accept: 'application/json' } });
    const body = await response.json();
    if (body.error) return { url, state: 'refused', error: body.error };
    if (body.data === undefined) throw new Error(`HTTP ${response.status} without data`);
    return { url, state: 'answered', envelope: body, data: body.data };
  } catch (failure) {
    const message = failure instanceof Error ? failure.message : String(failure);
    return { url, state: 'refused', error: { code: 'UNREACHABLE', message: `aerodb-explainer itself: ${message}` } };
  }
}

// Asks `url`, again whenever the person asks again or `occasion` is another; null asks nothing. While the next answer is
// on its way the last one stays, as `asking`, if `keep` says so.
export function useAnswer<T>(url: string | null, keep = false, occasion = ''): Answer<T> | null {
  const [answer, set_answer] = useState<Answer<T> | null>(null);
  const wanted = useRef<string | null>(null);
  const round = asked.value;
  useLayoutEffect(() => {
    const key = url === null ? null : `${round} ${occasion} ${url}`;
    wanted.current = key;
    if (url === null) {
      set_answer(null);
      return;
    }
    set_answer((before) => (keep && before ? { ...before, state: 'asking' } : { url, state: 'asking' }));
    waiting.value += 1;
    turn = turn.then(async () => {
      if (wanted.current === key) {
        const got = await fetch_answer<T>(url);
        if (wanted.current === key) {
          set_answer(got);
          last_answer.value = new Date();
        }
      }
      waiting.value -= 1;
    });
    return () => {
      if (wanted.current === key) wanted.current = null;
    };
  }, [url, round, occasion]);
  return url === null ? null : answer;
}
