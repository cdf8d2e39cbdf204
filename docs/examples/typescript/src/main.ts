// Opens a ticket, writes into it, reads it page by page and closes it.
import { must, newClient, type Ticket } from './client.js';

const { TOPICDESK_URL: url = 'http://127.0.0.1:8080', TOPICDESK_KEY: key } = process.env;
if (!key) {
  console.error('TOPICDESK_KEY is not set: make a key with `topicdesk apikey create`');
  process.exit(2);
}
const desk = newClient(url, key);

const me = must(await desk.GET('/api/v1/me'));
const groups = must(await desk.GET('/api/v1/groups', { params: { query: { limit: 1 } } }));
const group = groups.data[0];
if (!group) throw new Error('the bot is in no group');

const ticket = must(
  await desk.POST('/api/v1/tickets', {
    params: { header: { Prefer: 'wait=20' } },
    body: { groupId: group.telegramGroupId, title: 'Printer is on fire', priority: 'high', metadata: { order: '4711' } },
  }),
);
console.log(`opened ${ticket.ticketId} in ${group.title}, its topic is ${ticket.topic.state}`);

const path = { id: ticket.ticketId };
try {
  const form = new FormData();
  form.append('file', new Blob(['Toner: 0 %\n'], { type: 'text/plain' }), 'toner.txt');
  const file = must(
    await desk.POST('/api/v1/tickets/{id}/attachments', {
      params: { path },
      body: form as never, // the generated types have the fields of the form, and openapi-fetch takes the form itself
    }),
  );
  console.log(`uploaded ${file.fileName}: ${file.state}`);

  const sent = must(
    await desk.POST('/api/v1/tickets/{id}/messages', {
      params: { path },
      body: { text: 'It smells of **toner**.', format: 'markdown', authorName: 'Mia of ACME', attachmentIds: [file.attachmentId] },
    }),
  );
  console.log(`wrote ${sent.messageId}: ${sent.state}`);

  // A change that is made only if nobody else made one meanwhile.
  const read = await desk.GET('/api/v1/tickets/{id}', { params: { path } });
  must(read);
  const etag = read.response.headers.get('ETag');
  if (!etag) throw new Error('the ticket has no ETag');
  const changed = must(
    await desk.PATCH('/api/v1/tickets/{id}', {
      params: { path, header: { 'If-Match': etag } },
      body: { priority: 'urgent' },
    }),
  );
  console.log(`${changed.ticketId} is ${changed.priority} now`);

  let count = 0;
  for await (const open of openTickets(`apiKey:${me.keyId}`)) if (open.status === 'open') count++;
  console.log(`${me.name} has ${count} open`);

  const wrong = await desk.POST('/api/v1/tickets/{id}/mention', { params: { path }, body: { username: 'nobody_at_all' } });
  if (wrong.error?.code !== 'mention_unknown') throw new Error('a stranger was mentioned');
  console.log(`mentioned nobody: ${wrong.error.detail}`);
} finally {
  must(await desk.POST('/api/v1/tickets/{id}/close', { params: { path }, body: { reason: 'A new printer is here' } }));
  console.log(`closed ${ticket.ticketId}`);
}

/** All open tickets of a creator; asks for the next page when the one before is used up. */
async function* openTickets(createdBy: string): AsyncGenerator<Ticket> {
  for (let cursor: string | undefined; ; ) {
    const page = must(await desk.GET('/api/v1/tickets', { params: { query: { status: ['open'], createdBy, limit: 100, cursor } } }));
    yield* page.data;
    if (page.nextCursor === null) return;
    cursor = page.nextCursor;
  }
}
