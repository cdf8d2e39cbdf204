// A client of the API: openapi-fetch with the types of docs/openapi.yaml, and a fetch that repeats what may be repeated.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import createClient from 'openapi-fetch';
import type { components, paths } from './desk.js'; // npm run generate

export type Problem = components['schemas']['Problem'];
export type Ticket = components['schemas']['Ticket'];

const tries = 5;

export function newClient(url: string, key: string) {
  return createClient<paths>({ baseUrl: url, headers: { Authorization: `Bearer ${key}` }, fetch: patient });
}

/** Sends a request until it is answered for good. Each try of a POST has the same Idempotency-Key, so that it is done once. */
async function patient(request: Request): Promise<Response> {
  if (request.method === 'POST' && !request.headers.has('Idempotency-Key')) {
    request.headers.set('Idempotency-Key', randomUUID());
  }
  for (let attempt = 1; ; attempt++) {
    let pause = 250 * 2 ** attempt * (0.5 + Math.random() / 2);
    try {
      const one = new Request(request.clone(), { signal: AbortSignal.timeout(60_000) });
      const response = await fetch(one);
      if (attempt === tries || !(await isPassing(response))) return response;
      pause = Math.max(pause, 1000 * Number(response.headers.get('Retry-After') ?? 0));
    } catch (error) {
      if (attempt === tries) throw error; // the connection was lost: whether the request was carried out is unknown
    }
    await sleep(pause);
  }
}

/** Whether a later try may be answered otherwise. */
async function isPassing(response: Response): Promise<boolean> {
  if (response.status === 429 || response.status >= 500) return true;
  return response.status === 409 && ((await response.clone().json()) as Problem).code === 'idempotency_in_progress';
}

/** The answer, or the problem as an exception. `code` is for programs, `detail` for people. */
export function must<T>(result: { data?: T; error?: Problem }): T {
  if (result.error) {
    const { status, code, detail, requestId } = result.error;
    throw new Error(`${status} ${code}: ${detail} (request ${requestId})`);
  }
  return result.data as T;
}
