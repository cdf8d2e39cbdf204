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

// Index is one index of a collection, besides the one on _id that every collection has. Sparse ones hold only the
// documents that have the field.
type Index struct {
	Collection, Name string
	Keys             bson.D
	Unique, Sparse   bool
}

// migration is one step of the schema: collections to be there, with their indexes. Steps only add, and may be done twice,
// or by several nodes at the same time. minReader is the oldest schema version that a program must know to work with the
// database after this step.
type migration struct {
	minReader   int64
	collections []string
	indexes     []Index
}

// migrations are numbered from 1 and never change once released. docs/storage.md explains the indexes; a test compares it.
var migrations = []migration{
	{
		minReader: 1,
		collections: []string{
			"leases", "offsets", "users", "groups", "tickets", "messages", "copies", "attachments", "chats", "events",
			"api_keys", "idempotency",
		},
		indexes: []Index{
			{Collection: "users", Name: "username", Keys: bson.D{e("index.username", 1), e("updatedAt", -1), e("_id", -1)}},
			{Collection: "users", Name: "internal", Keys: bson.D{e("index.internal.name", 1), e("index.internal.id", 1)}, Sparse: true},
			{Collection: "users", Name: "group", Keys: bson.D{e("index.group.group", 1), e("index.group.id", 1)}, Sparse: true},
			{Collection: "api_keys", Name: "group", Keys: bson.D{e("index.group.group", 1), e("index.group.id", 1)}, Sparse: true},
			{Collection: "idempotency", Name: "expires", Keys: bson.D{e("expiresAt", 1), e("_id", 1)}},
			{Collection: "users", Name: "due", Keys: bson.D{e("index.due.at", 1), e("index.due.id", 1)}, Sparse: true},
			{Collection: "groups", Name: "chats", Keys: bson.D{e("index.chats", 1)}},
			{Collection: "groups", Name: "due", Keys: bson.D{e("index.due.at", 1), e("index.due.id", 1)}, Sparse: true},
			{Collection: "tickets", Name: "topics", Keys: bson.D{e("index.topics", 1)}, Unique: true, Sparse: true},
			{Collection: "tickets", Name: "short", Keys: bson.D{e("shortId", 1), e("_id", 1)}},
			{Collection: "tickets", Name: "creator", Keys: bson.D{e("createdBy.kind", 1), e("createdBy.id", 1), e("createdAt", -1), e("_id", -1)}},
			{Collection: "tickets", Name: "open", Keys: bson.D{e("index.open.kind", 1), e("index.open.id", 1), e("index.open.at", -1), e("index.open.ticket", -1)}, Sparse: true},
			{Collection: "tickets", Name: "due", Keys: bson.D{e("index.due.at", 1), e("index.due.id", 1)}, Sparse: true},
			{Collection: "tickets", Name: "external", Keys: bson.D{e("index.external.kind", 1), e("index.external.creator", 1), e("index.external.id", 1)}, Unique: true, Sparse: true},
			{Collection: "tickets", Name: "external_list", Keys: bson.D{e("index.external.id", 1), e("index.external.at", 1), e("index.external.ticket", 1)}, Sparse: true},
			{Collection: "tickets", Name: "search", Keys: bson.D{e("index.grams", 1), e("createdAt", 1), e("_id", 1)}},
			{Collection: "tickets", Name: "all_createdAt", Keys: bson.D{e("status", 1), e("createdAt", 1), e("_id", 1)}},
			{Collection: "tickets", Name: "all_updatedAt", Keys: bson.D{e("status", 1), e("updatedAt", 1), e("_id", 1)}},
			{Collection: "tickets", Name: "group_createdAt", Keys: bson.D{e("groupId", 1), e("status", 1), e("createdAt", 1), e("_id", 1)}},
			{Collection: "tickets", Name: "group_updatedAt", Keys: bson.D{e("groupId", 1), e("status", 1), e("updatedAt", 1), e("_id", 1)}},
			{Collection: "tickets", Name: "priority_createdAt", Keys: bson.D{e("priority", 1), e("status", 1), e("createdAt", 1), e("_id", 1)}},
			{Collection: "tickets", Name: "priority_updatedAt", Keys: bson.D{e("priority", 1), e("status", 1), e("updatedAt", 1), e("_id", 1)}},
			{Collection: "tickets", Name: "group_priority_createdAt", Keys: bson.D{e("groupId", 1), e("priority", 1), e("status", 1), e("createdAt", 1), e("_id", 1)}},
			{Collection: "tickets", Name: "group_priority_updatedAt", Keys: bson.D{e("groupId", 1), e("priority", 1), e("status", 1), e("updatedAt", 1), e("_id", 1)}},
			{Collection: "tickets", Name: "creator_createdAt", Keys: bson.D{e("createdBy.kind", 1), e("createdBy.id", 1), e("status", 1), e("createdAt", 1), e("_id", 1)}},
			{Collection: "tickets", Name: "creator_updatedAt", Keys: bson.D{e("createdBy.kind", 1), e("createdBy.id", 1), e("status", 1), e("updatedAt", 1), e("_id", 1)}},
			{Collection: "tickets", Name: "group_creator_createdAt", Keys: bson.D{e("groupId", 1), e("createdBy.kind", 1), e("createdBy.id", 1), e("status", 1), e("createdAt", 1), e("_id", 1)}},
			{Collection: "tickets", Name: "group_creator_updatedAt", Keys: bson.D{e("groupId", 1), e("createdBy.kind", 1), e("createdBy.id", 1), e("status", 1), e("updatedAt", 1), e("_id", 1)}},
			{Collection: "messages", Name: "sequence", Keys: bson.D{e("ticketId", 1), e("sequence", 1)}, Unique: true},
			{Collection: "messages", Name: "open", Keys: bson.D{e("index.open.ticket", 1), e("index.open.sequence", 1)}, Sparse: true},
			{Collection: "copies", Name: "topic", Keys: bson.D{e("messageId", 1), e("topicId", 1)}, Unique: true},
			{Collection: "copies", Name: "link", Keys: bson.D{e("linkId", 1), e("sequence", 1), e("topicId", 1)}},
			{Collection: "copies", Name: "open", Keys: bson.D{e("index.open.link", 1), e("index.open.sequence", 1), e("index.open.topic", 1)}, Sparse: true},
			{Collection: "copies", Name: "failed", Keys: bson.D{e("index.failed.link", 1), e("index.failed.sequence", 1), e("index.failed.topic", 1)}, Sparse: true},
			{Collection: "copies", Name: "parts", Keys: bson.D{e("chatId", 1), e("parts", 1)}},
			{Collection: "attachments", Name: "message", Keys: bson.D{e("messageId", 1), e("_id", 1)}},
			{Collection: "attachments", Name: "ticket", Keys: bson.D{e("ticketId", 1), e("sequence", 1), e("_id", 1)}},
			{Collection: "attachments", Name: "sha256", Keys: bson.D{e("index.content.sha256", 1), e("index.content.id", 1)}, Sparse: true},
			{Collection: "attachments", Name: "due", Keys: bson.D{e("index.due.at", 1), e("index.due.id", 1)}, Sparse: true},
			{Collection: "attachments", Name: "owed", Keys: bson.D{e("index.due.ticket", 1), e("index.due.at", 1), e("index.due.id", 1)}, Sparse: true},
			{Collection: "chats", Name: "due", Keys: bson.D{e("index.due.at", 1), e("index.due.id", 1)}, Sparse: true},
			{Collection: "events", Name: "number", Keys: bson.D{e("ticketId", 1), e("number", 1)}, Unique: true},
		},
	},
}

// schemaCollection has one document, which says which migrations have run and who can read the result.
const schemaCollection = "schema"

var readSchema = byID(schemaCollection)

type schemaDocument struct {
	Version   int64 `bson:"version"`   // the newest migration that has run
	MinReader int64 `bson:"minReader"` // programs whose newest migration is older must not touch the database
}

const schemaID = "schema"

// migrate brings the schema up to date. Others may do the same at the same time: every step may be done twice, and who
// finds that another has counted it goes on. At the end it writes a probe, so that a user who may only read is told at start.
func (s *Store) migrate(ctx context.Context) error {
	version, err := s.schemaVersion(ctx)
	if errors.Is(err, mongo.ErrNoDocuments) {
		version, err = s.firstSchema(ctx)
	}
	if err != nil {
		return err
	}
	for ; version < int64(len(s.options.steps)); version++ {
		step := s.options.steps[version]
		if err := s.step(ctx, step); err != nil {
			return fmt.Errorf("migration %d: %w", version+1, err)
		}
		if err := s.count(ctx, version, step); err != nil {
			return err
		}
		// Another may have come further, or may have made the database unreadable for this program.
		if _, err := s.schemaVersion(ctx); err != nil {
			return err
		}
	}
	return s.probe(ctx)
}

// schemaVersion returns the version of the schema, or why this program must leave it alone; mongo.ErrNoDocuments when
// there is none yet.
func (s *Store) schemaVersion(ctx context.Context) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, s.options.command)
	defer cancel()
	raw, err := s.one(ctx, s.certain(schemaCollection), readSchema, []any{schemaID})
	if err != nil {
		return 0, err
	}
	schema, err := decode[schemaDocument](raw)
	if err != nil {
		return 0, err
	}
	if known := int64(len(s.options.steps)); schema.MinReader > known {
		return 0, fmt.Errorf("%w: it is of version %d and needs a program that knows version %d or newer, this one knows up to %d; use a newer topicdesk",
			storage.ErrSchema, schema.Version, schema.MinReader, known)
	}
	return schema.Version, nil
}

// firstSchema makes the schema's document, unless the database belongs to something else.
func (s *Store) firstSchema(ctx context.Context) (int64, error) {
	limited, cancel := context.WithTimeout(ctx, s.options.command)
	defer cancel()
	names, err := s.database.ListCollectionNames(limited, bson.D{}, options.ListCollections().SetNameOnly(true).SetAuthorizedCollections(true))
	if err != nil {
		return 0, err
	}
	// The document goes before everything else of ours, so it may have come meanwhile.
	version, err := s.schemaVersion(ctx)
	if !errors.Is(err, mongo.ErrNoDocuments) {
		return version, err
	}
	for _, name := range names {
		if !strings.HasPrefix(name, "system.") && name != schemaCollection {
			return 0, fmt.Errorf("%w: it has collections, among them %q, but none of topicdesk", storage.ErrSchema, name)
		}
	}
	_, err = s.in(schemaCollection).InsertOne(limited, bson.D{e("_id", schemaID), e("version", int64(0)), e("minReader", int64(0)), e("probes", int64(0))})
	if mongo.IsDuplicateKeyError(err) {
		return s.schemaVersion(ctx)
	}
	return 0, err
}

// step makes the collections and indexes of one migration, or leaves them as they are.
func (s *Store) step(ctx context.Context, m migration) error {
	ctx, cancel := context.WithTimeout(ctx, s.options.schema)
	defer cancel()
	for _, name := range m.collections {
		if err := s.database.CreateCollection(ctx, name); err != nil && !hasCode(err, codeNamespaceExists) {
			return fmt.Errorf("collection %s: %w", name, err)
		}
	}
	for _, i := range m.indexes {
		o := options.Index().SetName(i.Name)
		if i.Unique {
			o.SetUnique(true)
		}
		if i.Sparse {
			o.SetSparse(true)
		}
		// One at a time: FerretDB fails when some of several are there already.
		if _, err := s.in(i.Collection).Indexes().CreateOne(ctx, mongo.IndexModel{Keys: i.Keys, Options: o}); err != nil {
			return fmt.Errorf("index %s of %s: %w", i.Name, i.Collection, err)
		}
	}
	return nil
}

// count notes that the step after version is done, unless another has.
func (s *Store) count(ctx context.Context, version int64, step migration) error {
	ctx, cancel := context.WithTimeout(ctx, s.options.command)
	defer cancel()
	_, err := s.in(schemaCollection).UpdateOne(ctx, bson.D{e("_id", schemaID), e("version", version)},
		bson.D{e("$set", bson.D{e("version", version+1), e("minReader", step.minReader)})})
	return err
}

// probe writes something that changes nothing.
func (s *Store) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.options.command)
	defer cancel()
	_, err := s.in(schemaCollection).UpdateOne(ctx, bson.D{e("_id", schemaID)}, bson.D{e("$inc", bson.D{e("probes", int64(1))})})
	return err
}
