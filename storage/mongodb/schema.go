package mongodb

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/topicdesk/topicdesk/storage"
)

// Index is one index of a collection, besides the one on _id that every collection has. A sparse index holds only the
// documents that have the field.
type Index struct {
	Collection, Name string
	Keys             bson.D
	Unique, Sparse   bool
}

// migration is one step of the schema: the collections to create, the indexes that it replaces, and those to create;
// then what is to be done with the documents. A step may run twice, or on several nodes concurrently. minReader is the
// oldest schema version that a program must know to work with the database from this step on.
type migration struct {
	minReader   int64
	collections []string
	replaced    []Index // of earlier steps
	indexes     []Index
	run         func(ctx context.Context, s *Store) error // nil: nothing more
}

// migrations are numbered from 1 and never change once released. docs/storage.md explains the indexes; a test
// compares the two.
var migrations = []migration{
	{
		minReader: 1,
		collections: []string{
			"leases", "offsets", "users", "groups", "tickets", "messages", "copies", "attachments", "chats", "events",
			"api_keys", "idempotency",
		},
		indexes: []Index{
			{Collection: "users", Name: "username", Keys: keys("index.username", "-updatedAt", "-_id")},
			{Collection: "users", Name: "internal", Keys: keys("index.internal.name", "index.internal.id"), Sparse: true},
			{Collection: "users", Name: "group", Keys: keys("index.group.group", "index.group.id"), Sparse: true},
			{Collection: "api_keys", Name: "group", Keys: keys("index.group.group", "index.group.id"), Sparse: true},
			{Collection: "idempotency", Name: "expires", Keys: keys("expiresAt", "_id")},
			{Collection: "users", Name: "due", Keys: keys("index.due.at", "index.due.id"), Sparse: true},
			{Collection: "groups", Name: "chats", Keys: keys("index.chats")},
			{Collection: "groups", Name: "due", Keys: keys("index.due.at", "index.due.id"), Sparse: true},
			{Collection: "tickets", Name: "topics", Keys: keys("index.topics"), Unique: true, Sparse: true},
			{Collection: "tickets", Name: "short", Keys: keys("shortId", "_id")},
			{Collection: "tickets", Name: "creator", Keys: keys("createdBy.kind", "createdBy.id", "-createdAt", "-_id")},
			{Collection: "tickets", Name: "open", Keys: keys("index.open.kind", "index.open.id", "-index.open.at", "-index.open.ticket"), Sparse: true},
			{Collection: "tickets", Name: "due", Keys: keys("index.due.at", "index.due.id"), Sparse: true},
			{Collection: "tickets", Name: "external", Keys: keys("index.external.kind", "index.external.creator", "index.external.id"), Unique: true, Sparse: true},
			{Collection: "tickets", Name: "external_list", Keys: keys("index.external.id", "index.external.at", "index.external.ticket"), Sparse: true},
			{Collection: "tickets", Name: "search", Keys: keys("index.grams", "createdAt", "_id")},
			{Collection: "tickets", Name: "all_createdAt", Keys: keys("status", "createdAt", "_id")},
			{Collection: "tickets", Name: "all_updatedAt", Keys: keys("status", "updatedAt", "_id")},
			{Collection: "tickets", Name: "group_createdAt", Keys: keys("groupId", "status", "createdAt", "_id")},
			{Collection: "tickets", Name: "group_updatedAt", Keys: keys("groupId", "status", "updatedAt", "_id")},
			{Collection: "tickets", Name: "priority_createdAt", Keys: keys("priority", "status", "createdAt", "_id")},
			{Collection: "tickets", Name: "priority_updatedAt", Keys: keys("priority", "status", "updatedAt", "_id")},
			{Collection: "tickets", Name: "group_priority_createdAt", Keys: keys("groupId", "priority", "status", "createdAt", "_id")},
			{Collection: "tickets", Name: "group_priority_updatedAt", Keys: keys("groupId", "priority", "status", "updatedAt", "_id")},
			{Collection: "tickets", Name: "creator_createdAt", Keys: keys("createdBy.kind", "createdBy.id", "status", "createdAt", "_id")},
			{Collection: "tickets", Name: "creator_updatedAt", Keys: keys("createdBy.kind", "createdBy.id", "status", "updatedAt", "_id")},
			{Collection: "tickets", Name: "group_creator_createdAt", Keys: keys("groupId", "createdBy.kind", "createdBy.id", "status", "createdAt", "_id")},
			{Collection: "tickets", Name: "group_creator_updatedAt", Keys: keys("groupId", "createdBy.kind", "createdBy.id", "status", "updatedAt", "_id")},
			{Collection: "messages", Name: "sequence", Keys: keys("ticketId", "sequence"), Unique: true},
			{Collection: "messages", Name: "open", Keys: keys("index.open.ticket", "index.open.sequence"), Sparse: true},
			{Collection: "copies", Name: "topic", Keys: keys("messageId", "topicId"), Unique: true},
			{Collection: "copies", Name: "link", Keys: keys("linkId", "sequence", "topicId")},
			{Collection: "copies", Name: "open", Keys: keys("index.open.link", "index.open.sequence", "index.open.topic"), Sparse: true},
			{Collection: "copies", Name: "failed", Keys: keys("index.failed.link", "index.failed.sequence", "index.failed.topic"), Sparse: true},
			{Collection: "copies", Name: "parts", Keys: keys("chatId", "parts")},
			{Collection: "attachments", Name: "message", Keys: keys("messageId", "_id")},
			{Collection: "attachments", Name: "ticket", Keys: keys("ticketId", "sequence", "_id")},
			{Collection: "attachments", Name: "sha256", Keys: keys("index.content.sha256", "index.content.id"), Sparse: true},
			{Collection: "attachments", Name: "due", Keys: keys("index.due.at", "index.due.id"), Sparse: true},
			{Collection: "attachments", Name: "owed", Keys: keys("index.due.ticket", "index.due.at", "index.due.id"), Sparse: true},
			{Collection: "chats", Name: "due", Keys: keys("index.due.at", "index.due.id"), Sparse: true},
			{Collection: "events", Name: "number", Keys: keys("ticketId", "number"), Unique: true},
		},
	},
	{
		// An older program would write events without a place.
		minReader: 2,
		replaced:  []Index{{Collection: "events", Name: "number"}},
		indexes: []Index{
			{Collection: "events", Name: "place", Keys: keys("partition", "position"), Unique: true, Sparse: true},
			{Collection: "events", Name: "ticket", Keys: keys("ticketId", "number"), Unique: true, Sparse: true},
			{Collection: "events", Name: "event", Keys: keys("index.event"), Unique: true, Sparse: true},
		},
		run: placeEvents,
	},
	{
		minReader:   2,
		collections: []string{"webhooks", "deliveries", "replays", "consumers"},
		indexes: []Index{
			{Collection: "webhooks", Name: "name", Keys: keys("index.name.name", "index.name.owner"), Unique: true, Sparse: true},
			{Collection: "webhooks", Name: "key", Keys: keys("keyId")},
			{Collection: "webhooks", Name: "group", Keys: keys("index.group.group", "index.group.id"), Sparse: true},
			{Collection: "webhooks", Name: "due", Keys: keys("index.due.at", "index.due.id"), Sparse: true},
			{Collection: "deliveries", Name: "event", Keys: keys("webhookId", "eventId"), Unique: true},
			{Collection: "deliveries", Name: "created", Keys: keys("webhookId", "createdAt", "eventId")},
			{Collection: "deliveries", Name: "open", Keys: keys("index.open.webhook", "index.open.place"), Sparse: true},
			{Collection: "deliveries", Name: "missing", Keys: keys("index.missing.webhook", "index.missing.place"), Sparse: true},
			{Collection: "replays", Name: "webhook", Keys: keys("webhookId", "createdAt", "_id")},
			{Collection: "consumers", Name: "name", Keys: keys("keyId", "name"), Unique: true},
		},
	},
	{
		// An older program would write tickets without a number.
		minReader:   4,
		collections: []string{"ticket_numbers"},
		indexes: []Index{
			{Collection: "tickets", Name: "number", Keys: keys("index.number"), Unique: true, Sparse: true},
			{Collection: "tickets", Name: "all_lastMessageAt", Keys: keys("status", "lastMessageAt", "_id")},
			{Collection: "tickets", Name: "group_lastMessageAt", Keys: keys("groupId", "status", "lastMessageAt", "_id")},
		},
		run: numberTickets,
	},
	{
		// What an older program saves meanwhile is not in the index until the next save.
		minReader: 4,
		indexes:   []Index{{Collection: "tickets", Name: "parties", Keys: keys("index.parties", "-createdAt", "-_id")}},
		run:       fillParties,
	},
	{
		// Nobody asks when a webhook is due: all are woken at the start.
		minReader: 4,
		replaced:  []Index{{Collection: "webhooks", Name: "due"}},
	},
	{
		// An older program writes nothing of it.
		minReader:   4,
		collections: []string{"errors", "problems"},
	},
	{
		// What nodes measure of themselves. An older program leaves it alone.
		minReader:   4,
		collections: []string{"samples"},
	},
	{
		// What reports are made of. An older program leaves it alone.
		minReader:   4,
		collections: []string{"tallies"},
		indexes: []Index{
			{Collection: "tallies", Name: "changed", Keys: keys("index.changed.at", "index.changed.id"), Sparse: true},
			{Collection: "tallies", Name: "answered", Keys: keys("index.answered.at", "index.answered.id"), Sparse: true},
			{Collection: "tallies", Name: "firstClosed", Keys: keys("index.firstClosed.at", "index.firstClosed.id"), Sparse: true},
			{Collection: "tallies", Name: "closed", Keys: keys("index.closed.at", "index.closed.id"), Sparse: true},
		},
	},
	{
		// For whom tickets wait, and who has claimed them. An older program writes neither; the next save of this one corrects it.
		minReader: 4,
		indexes: []Index{
			{Collection: "tickets", Name: "all_waitingSince", Keys: keys("waitingFor", "status", "waitingSince", "_id")},
			{Collection: "tickets", Name: "group_waitingSince", Keys: keys("groupId", "waitingFor", "status", "waitingSince", "_id")},
			{Collection: "tickets", Name: "assignee_createdAt", Keys: keys("assignee.id", "status", "createdAt", "_id")},
			{Collection: "tickets", Name: "group_assignee_createdAt", Keys: keys("groupId", "assignee.id", "status", "createdAt", "_id")},
		},
		run: wakeTickets,
	},
	{
		// What a message answers. What an older program writes, or saves again, meanwhile is not found.
		minReader: 4,
		indexes:   []Index{{Collection: "messages", Name: "answers", Keys: keys("index.answers.key", "index.answers.id"), Sparse: true}},
		run:       fillAnswers,
	},
	{
		// The timers of tickets. An older program writes none; the next activation by this one works them out again.
		minReader: 4,
		run:       wakeTickets,
	},
	{
		// The updates that wait though they are confirmed to Telegram. An older program leaves them alone: the next start of
		// this one hands them in. And who is on closed tickets: what an older program closes meanwhile has them at the next save.
		minReader:   4,
		collections: []string{"waiting_updates"},
		indexes:     []Index{{Collection: "waiting_updates", Name: "bot", Keys: keys("bot", "updateId"), Unique: true}},
		run:         fillParties,
	},
}

// keys returns the keys of an index. A field with a "-" before it is descending.
func keys(fields ...string) (all bson.D) {
	for _, field := range fields {
		if name, descending := strings.CutPrefix(field, "-"); descending {
			all = append(all, e(name, -1))
		} else {
			all = append(all, e(name, 1))
		}
	}
	return all
}

// schemaCollection has one document, which says which migrations have run and who can read the result.
const schemaCollection = "schema"

var readSchema = byID(schemaCollection)

type schemaDocument struct {
	Version   int64 `bson:"version"`   // the newest migration that has run
	MinReader int64 `bson:"minReader"` // programs whose newest migration is older must not touch the database
	// SearchVersion is the folding that all tickets are indexed by (storage.FoldVersion); none: the first. While they are
	// indexed anew, SearchThrough is the last ticket that is.
	SearchVersion int64  `bson:"searchVersion"`
	SearchThrough string `bson:"searchThrough"`
}

const schemaID = "schema"

// migrate brings the schema up to date. Other nodes may do the same concurrently: every step may run twice, and a
// node that finds a step counted by another continues with the next. At the end it writes a probe, so that the start
// fails for a user who may only read.
func (s *Store) migrate(ctx context.Context) error {
	version, err := s.schemaVersion(ctx)
	if errors.Is(err, mongo.ErrNoDocuments) {
		if s.options.existing {
			return storage.ErrNotFound
		}
		version, err = s.firstSchema(ctx)
	}
	if err != nil {
		return err
	}
	if known := int64(len(s.options.steps)); s.options.asItIs && 0 < version && version < known && !s.unfinished.Load() {
		return storage.Outdated(version, known)
	} else if s.options.check != nil && 0 < version && version < known {
		if s.refused = s.options.check(ctx, s); s.refused != nil {
			return s.refused
		}
	}
	s.migrated.From, s.migrated.To = version, max(version, int64(len(s.options.steps)))
	for ; version < int64(len(s.options.steps)); version++ {
		step := s.options.steps[version]
		s.migrated.Closed = s.migrated.Closed || step.minReader > s.migrated.From
		if err := s.announce(ctx, step); err != nil {
			return err
		}
		if err := s.step(ctx, step); err != nil {
			// Another node may have done this step meanwhile, and later ones, which may stand in its way.
			if now, look := s.schemaVersion(ctx); look == nil && now > version {
				version = now - 1
				continue
			}
			return fmt.Errorf("migration %d: %w", version+1, err)
		}
		if err := s.count(ctx, version, step); err != nil {
			return err
		}
		// Another node may have done more steps, and may have made the database unreadable for this program.
		if _, err := s.schemaVersion(ctx); err != nil {
			return err
		}
	}
	if !s.options.asItIs {
		if err := s.dropReplaced(ctx); err != nil {
			return err
		}
	}
	return s.probe(ctx)
}

// schemaVersion returns the version of the schema. Its error says why this program must not touch the database; it is
// mongo.ErrNoDocuments when there is no schema yet.
func (s *Store) schemaVersion(ctx context.Context) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, s.options.command)
	defer cancel()
	schema, err := s.schema(ctx)
	if err != nil {
		return 0, err
	}
	if schema.MinReader == storage.Unfinished {
		if !s.options.copying {
			return 0, storage.ErrUnfinished
		}
		s.unfinished.Store(true)
		return schema.Version, nil
	}
	if known := int64(len(s.options.steps)); schema.MinReader > known {
		return 0, fmt.Errorf("%w: it has version %d and needs a program that knows version %d or newer, "+
			"but this one knows only up to version %d; use a newer topicdesk, or restore a backup from before the upgrade",
			storage.ErrSchema, schema.Version, schema.MinReader, known)
	}
	return schema.Version, nil
}

// firstSchema creates the schema's document, unless the database belongs to another program.
func (s *Store) firstSchema(ctx context.Context) (int64, error) {
	limited, cancel := context.WithTimeout(ctx, s.options.command)
	defer cancel()
	onlyNames := options.ListCollections().SetNameOnly(true).SetAuthorizedCollections(true)
	names, err := s.database.ListCollectionNames(limited, bson.D{}, onlyNames)
	if err != nil {
		return 0, err
	}
	// Another node may have created the document meanwhile. It does so before it creates any collection.
	version, err := s.schemaVersion(ctx)
	if !errors.Is(err, mongo.ErrNoDocuments) {
		return version, err
	}
	for _, name := range names {
		if !strings.HasPrefix(name, "system.") && name != schemaCollection {
			return 0, fmt.Errorf("%w: it has collections, among them %q, but not those of topicdesk", storage.ErrSchema, name)
		}
	}
	minReader := int64(0)
	if s.options.copying {
		minReader = storage.Unfinished
		s.unfinished.Store(true)
	}
	_, err = s.in(schemaCollection).InsertOne(limited, bson.D{
		e("_id", schemaID), e("version", int64(0)), e("minReader", minReader), e("probes", int64(0)),
		e("searchVersion", int64(storage.FoldVersion)),
	})
	if mongo.IsDuplicateKeyError(err) {
		return s.schemaVersion(ctx)
	}
	return 0, err
}

// step does what one migration says, as far as it is not done yet.
func (s *Store) step(ctx context.Context, m migration) error {
	limited, cancel := context.WithTimeout(ctx, s.options.schema)
	defer cancel()
	if err := s.create(limited, m); err != nil || m.run == nil {
		return err
	}
	return m.run(ctx, s)
}

func (s *Store) create(ctx context.Context, m migration) error {
	for _, name := range m.collections {
		if err := s.database.CreateCollection(ctx, name); err != nil && !hasCode(err, codeNamespaceExists) {
			return fmt.Errorf("collection %s: %w", name, err)
		}
	}
	if err := s.drop(ctx, m.replaced); err != nil {
		return err
	}
	for _, i := range m.indexes {
		o := options.Index().SetName(i.Name)
		if i.Unique {
			o.SetUnique(true)
		}
		if i.Sparse {
			o.SetSparse(true)
		}
		// One at a time: FerretDB fails when some of several exist already.
		if _, err := s.in(i.Collection).Indexes().CreateOne(ctx, mongo.IndexModel{Keys: i.Keys, Options: o}); err != nil {
			return fmt.Errorf("index %s of %s: %w", i.Name, i.Collection, err)
		}
	}
	return nil
}

// drop removes indexes, as far as they are there.
func (s *Store) drop(ctx context.Context, indexes []Index) error {
	for _, i := range indexes {
		if err := s.in(i.Collection).Indexes().DropOne(ctx, i.Name); err != nil && !hasCode(err, codeIndexNotFound) {
			return fmt.Errorf("index %s of %s: %w", i.Name, i.Collection, err)
		}
	}
	return nil
}

// dropReplaced removes what no step of this program has any more. Nodes that start together are at different steps: one may have made an
// index again after another had removed it, and have ended, or skipped steps, before it came to remove it, too.
func (s *Store) dropReplaced(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.options.schema)
	defer cancel()
	for _, step := range s.options.steps {
		if err := s.drop(ctx, step.replaced); err != nil {
			return err
		}
	}
	return nil
}

// announce says which programs must not touch the database any more, before the step makes it unfit for them.
func (s *Store) announce(ctx context.Context, step migration) error {
	ctx, cancel := context.WithTimeout(ctx, s.options.command)
	defer cancel()
	_, err := s.in(schemaCollection).UpdateOne(ctx, bson.D{e("_id", schemaID)},
		bson.D{e("$max", bson.D{e("minReader", step.minReader)})})
	return err
}

// count records that the step after version is done, unless another node has.
func (s *Store) count(ctx context.Context, version int64, step migration) error {
	ctx, cancel := context.WithTimeout(ctx, s.options.command)
	defer cancel()
	_, err := s.in(schemaCollection).UpdateOne(ctx, bson.D{e("_id", schemaID), e("version", version)},
		bson.D{e("$set", bson.D{e("version", version+1)})})
	return err
}

// probe writes to a counter that nothing depends on.
func (s *Store) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.options.command)
	defer cancel()
	_, err := s.in(schemaCollection).UpdateOne(ctx,
		bson.D{e("_id", schemaID)}, bson.D{e("$inc", bson.D{e("probes", int64(1))})})
	return err
}
