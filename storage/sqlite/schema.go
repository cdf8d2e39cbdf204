package sqlite

import (
	"errors"
	"fmt"
	"slices"

	"github.com/topicdesk/topicdesk/storage"
)

// migration is one step of the schema. minReader is the oldest schema version that a program must know to work with
// the database after this step. A step whose result suits older programs leaves minReader as it was.
type migration struct {
	minReader int64
	sql       string
	run       func(c *conn) error // after sql, in the same transaction; nil: nothing more
}

// migrations are numbered from 1 and never change once released. docs/storage.md explains their tables and indexes; a
// test compares the two.
var migrations = []migration{
	{minReader: 1, sql: schema1},
	{minReader: 1, sql: schema2},
	{minReader: 1, sql: schema3},
	{minReader: 4, sql: schema4, run: placeEvents},
	{minReader: 4, sql: schema5},
	{minReader: 6, sql: schema6},
	{minReader: 7, sql: schema7, run: numberTickets},
	{minReader: 7, sql: schema8, run: fillParties},
	{minReader: 9, sql: schema9},
	{minReader: 9, sql: schema10},
	{minReader: 9, sql: schema11},
	{minReader: 9, sql: schema12},
	{minReader: 9, sql: schema13},
	{minReader: 9, sql: schema14},
	{minReader: 9, sql: schema15},
	{minReader: 9, sql: schema16, run: fillParties}, // those of closed tickets, too; an older program leaves them out of what it closes
}

const schemaTable = `
CREATE TABLE IF NOT EXISTS schema (
	id         INTEGER PRIMARY KEY CHECK (id = 1),
	version    INTEGER NOT NULL, -- the newest migration that has run
	min_reader INTEGER NOT NULL, -- programs whose newest migration is older must not touch the database
	probes     INTEGER NOT NULL DEFAULT 0
);
INSERT INTO schema (id, version, min_reader) VALUES (1, 0, 0) ON CONFLICT DO NOTHING;`

const schema1 = `
CREATE TABLE leases (
	entity   TEXT PRIMARY KEY,
	epoch    INTEGER NOT NULL,
	owner    TEXT NOT NULL,
	taken_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE offsets (
	name  TEXT PRIMARY KEY,
	value INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE users (
	telegram_id INTEGER PRIMARY KEY,
	username    TEXT,    -- lower case
	sort_name   TEXT,    -- lower case first name, of internal users only
	group_id    TEXT,    -- their default group
	updated_at  INTEGER NOT NULL,
	due_at      INTEGER,
	version     INTEGER NOT NULL,
	doc         TEXT NOT NULL
);
CREATE INDEX users_due ON users (due_at, telegram_id) WHERE due_at IS NOT NULL;
CREATE INDEX users_username ON users (username, updated_at, telegram_id) WHERE username IS NOT NULL;
CREATE INDEX users_internal ON users (sort_name, telegram_id) WHERE sort_name IS NOT NULL;
CREATE INDEX users_group ON users (group_id, telegram_id) WHERE group_id IS NOT NULL;

CREATE TABLE api_keys (
	key_id   TEXT PRIMARY KEY,
	group_id TEXT, -- the only group that the key sees
	version  INTEGER NOT NULL,
	doc      TEXT NOT NULL
);
CREATE INDEX api_keys_group ON api_keys (group_id, key_id) WHERE group_id IS NOT NULL;

CREATE TABLE idempotency (
	request_id TEXT PRIMARY KEY,
	expires_at INTEGER NOT NULL,
	version    INTEGER NOT NULL,
	doc        TEXT NOT NULL
);
CREATE INDEX idempotency_expires ON idempotency (expires_at, request_id);

CREATE TABLE groups (
	group_id TEXT PRIMARY KEY,
	due_at   INTEGER,
	version  INTEGER NOT NULL,
	doc      TEXT NOT NULL
);
CREATE INDEX groups_due ON groups (due_at, group_id) WHERE due_at IS NOT NULL;
CREATE TABLE group_chats (
	group_id TEXT NOT NULL,
	chat_id  INTEGER NOT NULL,
	today    INTEGER NOT NULL, -- 1: the group's chat id of today, 0: a former one
	PRIMARY KEY (group_id, chat_id)
) WITHOUT ROWID;
CREATE INDEX group_chats_chat ON group_chats (chat_id, today, group_id);

CREATE TABLE tickets (
	list_id      INTEGER PRIMARY KEY, -- in the order of creation: milliseconds, times 2^20, and a number
	ticket_id    TEXT NOT NULL UNIQUE,
	short_id     TEXT NOT NULL,
	status       TEXT NOT NULL,
	priority     TEXT NOT NULL,
	group_id     TEXT NOT NULL,
	creator_kind TEXT NOT NULL,
	creator_id   TEXT NOT NULL,
	external_id  TEXT,
	created_at   INTEGER NOT NULL,
	updated_at   INTEGER NOT NULL,
	due_at       INTEGER,
	words_hash   INTEGER NOT NULL, -- of what its words in ticket_search are made from
	indexed_hash INTEGER NOT NULL, -- of the columns above that indexes of lists are on
	version      INTEGER NOT NULL,
	doc          TEXT NOT NULL
);
CREATE INDEX tickets_short ON tickets (short_id, ticket_id);
CREATE INDEX tickets_creator ON tickets (creator_kind, creator_id, created_at, ticket_id);
CREATE INDEX tickets_creator_open ON tickets (creator_kind, creator_id, created_at, ticket_id) WHERE status <> 'closed';
CREATE UNIQUE INDEX tickets_external ON tickets (creator_kind, creator_id, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX tickets_external_list ON tickets (external_id, created_at, ticket_id) WHERE external_id IS NOT NULL;
CREATE INDEX tickets_all_created ON tickets (status, created_at, ticket_id);
CREATE INDEX tickets_all_updated ON tickets (status, updated_at, ticket_id);
CREATE INDEX tickets_group_created ON tickets (group_id, status, created_at, ticket_id);
CREATE INDEX tickets_group_updated ON tickets (group_id, status, updated_at, ticket_id);
CREATE INDEX tickets_priority_created ON tickets (priority, status, created_at, ticket_id);
CREATE INDEX tickets_priority_updated ON tickets (priority, status, updated_at, ticket_id);
CREATE INDEX tickets_group_priority_created ON tickets (group_id, priority, status, created_at, ticket_id);
CREATE INDEX tickets_group_priority_updated ON tickets (group_id, priority, status, updated_at, ticket_id);
CREATE INDEX tickets_creator_created ON tickets (creator_kind, creator_id, status, created_at, ticket_id);
CREATE INDEX tickets_creator_updated ON tickets (creator_kind, creator_id, status, updated_at, ticket_id);
CREATE INDEX tickets_group_creator_created ON tickets (group_id, creator_kind, creator_id, status, created_at, ticket_id);
CREATE INDEX tickets_group_creator_updated ON tickets (group_id, creator_kind, creator_id, status, updated_at, ticket_id);
CREATE INDEX tickets_due ON tickets (due_at, ticket_id) WHERE due_at IS NOT NULL;
CREATE VIRTUAL TABLE ticket_search USING fts5 (words, content='', contentless_delete=1, detail=none, tokenize='ascii');
CREATE TABLE topics (
	group_id  TEXT NOT NULL,
	thread_id INTEGER NOT NULL,
	ticket_id TEXT NOT NULL,
	PRIMARY KEY (group_id, thread_id)
) WITHOUT ROWID;
CREATE INDEX topics_ticket ON topics (ticket_id);
CREATE TABLE ticket_counts (
	status TEXT PRIMARY KEY,
	n      INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE messages (
	ticket_id  TEXT NOT NULL,
	sequence   INTEGER NOT NULL,
	message_id TEXT NOT NULL UNIQUE,
	hidden     INTEGER NOT NULL, -- an internal note, or deleted
	open       INTEGER NOT NULL,
	version    INTEGER NOT NULL,
	doc        TEXT NOT NULL,
	UNIQUE (ticket_id, sequence)
);
CREATE INDEX messages_open ON messages (ticket_id, sequence) WHERE open = 1;

CREATE TABLE copies (
	message_id TEXT NOT NULL,
	topic_id   TEXT NOT NULL,
	link_id    TEXT NOT NULL,
	sequence   INTEGER NOT NULL,
	open       INTEGER NOT NULL,
	failed     INTEGER NOT NULL,
	chat_id    INTEGER NOT NULL,
	part       INTEGER, -- the first part; the others are in copy_parts
	version    INTEGER NOT NULL,
	doc        TEXT NOT NULL,
	UNIQUE (message_id, topic_id)
);
CREATE INDEX copies_link ON copies (link_id, sequence, topic_id);
CREATE INDEX copies_open ON copies (link_id, sequence, topic_id) WHERE open = 1;
CREATE INDEX copies_failed ON copies (link_id, sequence, topic_id) WHERE failed = 1;
CREATE INDEX copies_part ON copies (chat_id, part) WHERE part IS NOT NULL;
CREATE TABLE copy_parts (
	message_id TEXT NOT NULL,
	topic_id   TEXT NOT NULL,
	n          INTEGER NOT NULL, -- 1 = the second part
	chat_id    INTEGER NOT NULL,
	part       INTEGER NOT NULL,
	PRIMARY KEY (message_id, topic_id, n)
) WITHOUT ROWID;
CREATE INDEX copy_parts_part ON copy_parts (chat_id, part);

CREATE TABLE attachments (
	attachment_id TEXT NOT NULL UNIQUE,
	ticket_id     TEXT NOT NULL,
	message_id    TEXT NOT NULL,
	sequence      INTEGER NOT NULL,
	sha256        TEXT, -- NULL: the content is not known yet
	due_at        INTEGER,
	version       INTEGER NOT NULL,
	doc           TEXT NOT NULL
);
CREATE INDEX attachments_message ON attachments (message_id, attachment_id);
CREATE INDEX attachments_ticket ON attachments (ticket_id, sequence, attachment_id);
CREATE INDEX attachments_sha256 ON attachments (sha256, attachment_id) WHERE sha256 IS NOT NULL;
CREATE INDEX attachments_due ON attachments (due_at, attachment_id) WHERE due_at IS NOT NULL;
CREATE INDEX attachments_owed ON attachments (ticket_id, due_at, attachment_id) WHERE due_at IS NOT NULL;

CREATE TABLE chats (
	chat_id TEXT PRIMARY KEY,
	due_at  INTEGER,
	version INTEGER NOT NULL,
	doc     TEXT NOT NULL
);
CREATE INDEX chats_due ON chats (due_at, chat_id) WHERE due_at IS NOT NULL;

CREATE TABLE events (
	ticket_id TEXT NOT NULL,
	number    INTEGER NOT NULL,
	event_id  TEXT NOT NULL,
	doc       TEXT NOT NULL,
	PRIMARY KEY (ticket_id, number)
) WITHOUT ROWID;
`

// schema2 drops indexes: those that end with (status, time, id) serve the lists of a creator too. It also turns off
// the automatic merge of the search index, which the writer merges itself (mergeSearch).
const schema2 = `
DROP INDEX tickets_creator;
DROP INDEX tickets_creator_open;
INSERT INTO ticket_search (ticket_search, rank) VALUES ('automerge', 0);
`

// schema3 says which folding of texts the search index has (storage.FoldVersion), and while it is made anew, up to which
// ticket (list_id) it has the next one.
const schema3 = `
ALTER TABLE schema ADD COLUMN search_version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE schema ADD COLUMN search_through INTEGER NOT NULL DEFAULT 0;
`

// schema4 makes the events a log of partitions. Their place is the partition × 2^48, and the position. It is no rowid, so
// that the documents are appended (docs/decisions.md, D91). An older program would write events without a place, so it
// must not touch the database any more.
const schema4 = `
ALTER TABLE events RENAME TO events_before;
CREATE TABLE events (
	place     INTEGER NOT NULL UNIQUE,
	event_id  TEXT NOT NULL UNIQUE,
	ticket_id TEXT, -- NULL: about no ticket
	number    INTEGER NOT NULL,
	at        INTEGER NOT NULL,
	doc       TEXT NOT NULL
);
CREATE UNIQUE INDEX events_ticket ON events (ticket_id, number) WHERE ticket_id IS NOT NULL;
`

// schema5 has the endpoints of webhooks, what became of events there, and the readers of the feed.
const schema5 = `
CREATE TABLE webhooks (
	webhook_id TEXT PRIMARY KEY,
	owner      TEXT NOT NULL, -- its group, or the empty text
	name       TEXT,
	key_id     TEXT NOT NULL,
	group_id   TEXT,
	due_at     INTEGER,
	version    INTEGER NOT NULL,
	doc        TEXT NOT NULL
);
CREATE UNIQUE INDEX webhooks_name ON webhooks (name, owner) WHERE name IS NOT NULL;
CREATE INDEX webhooks_key ON webhooks (key_id);
CREATE INDEX webhooks_group ON webhooks (group_id, webhook_id) WHERE group_id IS NOT NULL;
CREATE INDEX webhooks_due ON webhooks (due_at, webhook_id) WHERE due_at IS NOT NULL;

CREATE TABLE deliveries (
	webhook_id TEXT NOT NULL,
	event_id   TEXT NOT NULL,
	place      INTEGER NOT NULL, -- of the event in the log
	class      INTEGER NOT NULL, -- 1: open, 2: missing, 0: neither
	state      TEXT NOT NULL,
	type       TEXT NOT NULL,
	ticket_id  TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	version    INTEGER NOT NULL,
	doc        TEXT NOT NULL,
	UNIQUE (webhook_id, event_id)
);
CREATE INDEX deliveries_created ON deliveries (webhook_id, created_at, event_id);
CREATE INDEX deliveries_open ON deliveries (webhook_id, place) WHERE class = 1;
CREATE INDEX deliveries_missing ON deliveries (webhook_id, place) WHERE class = 2;

CREATE TABLE replays (
	replay_id  TEXT PRIMARY KEY,
	webhook_id TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	version    INTEGER NOT NULL,
	doc        TEXT NOT NULL
);
CREATE INDEX replays_webhook ON replays (webhook_id, created_at, replay_id);

CREATE TABLE consumers (
	key_id  TEXT NOT NULL,
	name    TEXT NOT NULL,
	version INTEGER NOT NULL,
	doc     TEXT NOT NULL,
	PRIMARY KEY (key_id, name)
);
`

// schema6 orders the deliveries by their events' time. An event's id is a hash: in an index by id alone, each delivery
// writes another page (docs/decisions.md, D112). An older program would not set the time.
const schema6 = `
ALTER TABLE deliveries RENAME TO deliveries_before;
DROP INDEX deliveries_created;
DROP INDEX deliveries_open;
DROP INDEX deliveries_missing;
CREATE TABLE deliveries (
	webhook_id TEXT NOT NULL,
	event_at   INTEGER NOT NULL,
	event_id   TEXT NOT NULL,
	place      INTEGER NOT NULL, -- of the event in the log
	class      INTEGER NOT NULL, -- 1: open, 2: missing, 0: neither
	state      TEXT NOT NULL,
	type       TEXT NOT NULL,
	ticket_id  TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	version    INTEGER NOT NULL,
	doc        TEXT NOT NULL,
	UNIQUE (webhook_id, event_at, event_id)
);
INSERT INTO deliveries
	SELECT webhook_id, at, event_id, place, class, state, type, ticket_id, created_at, version,
		json_set(doc, '$.eventAt', strftime('%Y-%m-%dT%H:%M:%fZ', at / 1000.0, 'unixepoch'))
	FROM (
		SELECT *, coalesce((SELECT at FROM events e WHERE e.event_id = b.event_id), created_at) AS at
		FROM deliveries_before b
		ORDER BY b.rowid
	);
DROP TABLE deliveries_before;
CREATE INDEX deliveries_created ON deliveries (webhook_id, created_at, event_id);
CREATE INDEX deliveries_open ON deliveries (webhook_id, place) WHERE class = 1;
CREATE INDEX deliveries_missing ON deliveries (webhook_id, place) WHERE class = 2;
`

// schema7 gives each ticket a number for people, and the time of its last message. An older program would write tickets
// without either, so it must not touch the database any more.
const schema7 = `
ALTER TABLE tickets ADD COLUMN number INTEGER;
ALTER TABLE tickets ADD COLUMN last_message_at INTEGER NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX tickets_number ON tickets (number) WHERE number IS NOT NULL;
CREATE INDEX tickets_all_message ON tickets (status, last_message_at, ticket_id);
CREATE INDEX tickets_group_message ON tickets (group_id, status, last_message_at, ticket_id);
CREATE TABLE ticket_numbers (
	id   INTEGER PRIMARY KEY CHECK (id = 1),
	last INTEGER NOT NULL -- the highest number that was taken
);
`

// schema8 has who is on the open tickets. What an older program saves meanwhile is not in it until the next save.
const schema8 = `
CREATE TABLE ticket_parties (
	party      TEXT NOT NULL,
	created_at INTEGER NOT NULL, -- of the ticket
	ticket_id  TEXT NOT NULL,
	PRIMARY KEY (party, created_at, ticket_id)
) WITHOUT ROWID;
CREATE INDEX ticket_parties_ticket ON ticket_parties (ticket_id);
`

// schema9 takes out when a webhook is due, which nobody asks: all are woken at the start. An older program would write it.
const schema9 = `
DROP INDEX webhooks_due;
ALTER TABLE webhooks DROP COLUMN due_at;
`

// schema10 has what has gone wrong. An older program writes nothing of it.
const schema10 = `
CREATE TABLE errors (
	fingerprint TEXT PRIMARY KEY,
	version     INTEGER NOT NULL,
	doc         TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE problems (
	problem_id TEXT PRIMARY KEY,
	version    INTEGER NOT NULL,
	doc        TEXT NOT NULL
) WITHOUT ROWID;
`

// schema11 has what nodes measure of themselves. An older program leaves it alone.
const schema11 = `
CREATE TABLE samples (
	sample_key TEXT PRIMARY KEY, -- minutes, time, node
	doc        TEXT NOT NULL
) WITHOUT ROWID;
`

// schema12 has what reports are made of. An older program leaves it alone: what happens meanwhile is counted afterwards.
const schema12 = `
CREATE TABLE tallies (
	tally_id        TEXT PRIMARY KEY,
	changed_at      INTEGER, -- NULL: it is kept for ever
	answered_at     INTEGER,
	first_closed_at INTEGER,
	closed_at       INTEGER,
	version         INTEGER NOT NULL,
	doc             TEXT NOT NULL
);
CREATE INDEX tallies_changed ON tallies (changed_at, tally_id) WHERE changed_at IS NOT NULL;
CREATE INDEX tallies_answered ON tallies (answered_at, tally_id) WHERE answered_at IS NOT NULL;
CREATE INDEX tallies_first_closed ON tallies (first_closed_at, tally_id) WHERE first_closed_at IS NOT NULL;
CREATE INDEX tallies_closed ON tallies (closed_at, tally_id) WHERE closed_at IS NOT NULL;
`

// schema13 has for whom tickets wait, and who has claimed them. The open ones are due, so that the sweep wakes them and each
// finds out from its messages for whom it waits. An older program writes neither; the next save of this one corrects it.
const schema13 = `
ALTER TABLE tickets ADD COLUMN waiting_for TEXT; -- NULL: for nobody, or it is unknown
ALTER TABLE tickets ADD COLUMN waiting_since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tickets ADD COLUMN assignee TEXT; -- NULL: nobody
CREATE INDEX tickets_all_waiting ON tickets (waiting_for, status, waiting_since, ticket_id) WHERE waiting_for IS NOT NULL;
CREATE INDEX tickets_group_waiting
	ON tickets (group_id, waiting_for, status, waiting_since, ticket_id) WHERE waiting_for IS NOT NULL;
CREATE INDEX tickets_assignee_created ON tickets (assignee, status, created_at, ticket_id) WHERE assignee IS NOT NULL;
CREATE INDEX tickets_group_assignee_created
	ON tickets (group_id, assignee, status, created_at, ticket_id) WHERE assignee IS NOT NULL;
UPDATE tickets SET due_at = created_at WHERE due_at IS NULL AND status <> 'closed';
`

// schema14 finds what answers a message. What an older program writes meanwhile is not found.
const schema14 = `
ALTER TABLE messages ADD COLUMN answers TEXT; -- key of what the message answers; NULL: nothing that has one
UPDATE messages SET answers = CASE
	WHEN coalesce(doc ->> '$.replyTo.answered', '') <> '' THEN doc ->> '$.replyTo.answered'
	ELSE (doc ->> '$.replyTo.chatId') || ':' || (doc ->> '$.replyTo.messageId') END
WHERE json_valid(doc)
	AND (coalesce(doc ->> '$.replyTo.answered', '') <> '' OR coalesce(doc ->> '$.replyTo.messageId', 0) <> 0);
CREATE INDEX messages_answers ON messages (answers, message_id) WHERE answers IS NOT NULL;
`

// schema15 makes the open tickets due, so that the sweep wakes them and each works out its timers. An older program writes
// none; the next activation by this one works them out again.
const schema15 = `
UPDATE tickets SET due_at = created_at WHERE due_at IS NULL AND status <> 'closed';
`

// schema16 has the updates that wait though they are confirmed to Telegram. An older program leaves them alone: the next
// start of this one hands them in.
const schema16 = `
CREATE TABLE waiting_updates (
	bot       TEXT NOT NULL,
	update_id INTEGER NOT NULL,
	doc       TEXT NOT NULL,
	PRIMARY KEY (bot, update_id)
);
`

var (
	readSchema  = define(`SELECT version, min_reader FROM schema WHERE id = 1`)
	writeSchema = define(`UPDATE schema SET version = ?, min_reader = max(min_reader, ?) WHERE id = 1`)
	markSchema  = define(`UPDATE schema SET min_reader = ? WHERE id = 1`)
	probeSchema = define(`UPDATE schema SET probes = probes + 1 WHERE id = 1`)
	findSchema  = define(`
		SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'schema'), EXISTS (SELECT 1 FROM sqlite_schema)`)
)

// migrate brings the schema up to date, each step in a transaction of its own. Other processes may do the same
// concurrently: BEGIN IMMEDIATE admits one at a time, and each reads the version again.
func migrate(c *conn, steps []migration) error {
	for {
		done, err := migrateOne(c, steps)
		if done || err != nil {
			return err
		}
	}
}

// migratedFrom is what migrate has done to a database of that version.
func migratedFrom(version int64) storage.Migrated {
	m := storage.Migrated{From: version, To: max(version, int64(len(migrations)))}
	m.Closed = version < m.To &&
		slices.ContainsFunc(migrations[version:], func(step migration) bool { return step.minReader > version })
	return m
}

func migrateOne(c *conn, steps []migration) (done bool, err error) {
	// Check without a lock first: usually the schema is up to date, and the start need not wait for another writer.
	if version, err := schemaVersion(c, steps); err != nil || version >= int64(len(steps)) {
		return true, err
	}
	if err := c.run("BEGIN IMMEDIATE"); err != nil {
		return false, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.run("ROLLBACK"))
		}
	}()
	version, err := schemaVersion(c, steps)
	if err != nil {
		return false, err
	}
	if version == 0 {
		if err := c.run(schemaTable); err != nil {
			return false, err
		}
	}
	if version < int64(len(steps)) {
		step := steps[version]
		if err := c.run(step.sql); err != nil {
			return false, fmt.Errorf("migration %d: %w", version+1, err)
		}
		if step.run != nil {
			if err := step.run(c); err != nil {
				return false, fmt.Errorf("migration %d: %w", version+1, err)
			}
		}
		if _, err := c.exec(writeSchema, version+1, step.minReader); err != nil {
			return false, err
		}
	}
	return false, c.run("COMMIT")
}

// schemaVersion returns the version of the schema, or 0 for an empty database. Its error says why this program must
// not touch the database.
func schemaVersion(c *conn, steps []migration) (version int64, err error) {
	var ours, any bool
	err = c.query(findSchema, func(r row) error {
		ours, any = r.int(0) == 1, r.int(1) == 1
		return nil
	})
	switch {
	case err != nil:
		return 0, err
	case !ours && any:
		return 0, fmt.Errorf("%w: it has tables, but not those of topicdesk", storage.ErrSchema)
	case !ours:
		return 0, nil
	}
	var minReader int64
	err = c.query(readSchema, func(r row) error {
		version, minReader = r.int(0), r.int(1)
		return nil
	})
	if err != nil {
		return 0, err
	}
	if c.unfinished = minReader == storage.Unfinished; c.unfinished {
		if !c.copying {
			return 0, storage.ErrUnfinished
		}
		return version, nil
	}
	if known := int64(len(steps)); minReader > known {
		return 0, fmt.Errorf("%w: it has version %d and needs a program that knows version %d or newer, "+
			"but this one knows only up to version %d; use a newer topicdesk, or restore a backup from before the upgrade",
			storage.ErrSchema, version, minReader, known)
	}
	return version, nil
}
