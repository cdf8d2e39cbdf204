package mongodb

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"github.com/topicdesk/topicdesk/storage"
)

// connect creates the client. It does not wait for a server.
func (s *Store) connect(ctx context.Context, uri, dbName string) error {
	if dbName == "" {
		return errors.New("mongodb: the address lacks the name of the database: mongodb://host/name")
	}
	o := options.Client().ApplyURI(uri).SetAppName("topicdesk").
		SetWriteConcern(writeconcern.Majority()).
		SetReadConcern(readconcern.Majority()).
		SetReadPreference(readpref.Primary()).
		// The store retries by itself, in a way that a server without sessions supports too.
		SetRetryWrites(false).SetRetryReads(false).
		SetConnectTimeout(s.options.connect).
		// This limit is for Open. Every other call has a shorter one.
		SetServerSelectionTimeout(s.options.connect)
	if err := o.Validate(); err != nil {
		return fmt.Errorf("mongodb: the address can't be used: %s", oneLine(err.Error()))
	}
	s.name, s.nobody = strings.Join(o.Hosts, ",")+"/"+dbName, o.Auth == nil
	client, err := mongo.Connect(o)
	if err != nil {
		return fmt.Errorf("mongodb: the address can't be used: %s", oneLine(err.Error()))
	}
	s.client, s.database = client, client.Database(dbName)
	return nil
}

// greet finds the server and asks whether it is replicated and writable.
func (s *Store) greet(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.options.connect)
	defer cancel()
	if s.options.says != nil {
		waiting := time.AfterFunc(s.options.saysAfter, func() { s.options.says(s.options.connect) })
		defer waiting.Stop()
	}
	var hello struct {
		SetName  string `bson:"setName"`
		Msg      string `bson:"msg"`
		ReadOnly bool   `bson:"readOnly"`
	}
	if err := s.database.RunCommand(ctx, bson.D{{Key: "hello", Value: 1}}).Decode(&hello); err != nil {
		return err
	}
	s.replicated = hello.SetName != "" || hello.Msg == "isdbgrid"
	if hello.ReadOnly {
		return fmt.Errorf("%w: mongodb: %s is read-only", storage.ErrUnavailable, s.name)
	}
	return nil
}

// explainOpen says in one line why the database can't be opened.
func (s *Store) explainOpen(ctx context.Context, err error) error {
	if ended := over(ctx); ended != nil {
		return ended
	}
	text := oneLine(err.Error())
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return fmt.Errorf("%w: mongodb: there is no desk in %s", storage.ErrNotFound, s.name)
	case errors.Is(err, storage.ErrSchema):
		return fmt.Errorf("mongodb: %s: %w", s.name, err)
	case unauthorized(err) && !hasCode(err, codeUnauthorized):
		return &refusal{fmt.Sprintf("mongodb: %s refuses the user or the password of the address "+
			"(if the user is in another database, name it in authSource): %s", s.name, lastPart(text)), err}
	case hasCode(err, codeUnauthorized) && s.nobody:
		return &refusal{fmt.Sprintf("mongodb: %s wants a user, and the address has none: mongodb://user:password@host/name "+
			"(%s)", s.name, text), err}
	case hasCode(err, codeUnauthorized):
		return &refusal{fmt.Sprintf("mongodb: the user of the address may not read and write %s; "+
			"it needs the role readWrite: %s", s.name, text), err}
	case strings.Contains(text, "server selection"):
		return fmt.Errorf("%w: mongodb: no primary found at %s within %v: %s",
			storage.ErrUnavailable, s.name, s.options.connect, lastPart(text))
	case mongo.IsTimeout(err):
		return fmt.Errorf("%w: mongodb: %s does not answer in time: %s", storage.ErrUnavailable, s.name, text)
	}
	if err = s.explain(err); errors.Is(err, storage.ErrUnavailable) {
		return err
	}
	return &refusal{fmt.Sprintf("mongodb: %s: %s", s.name, text), err}
}

// unauthorized says whether the server refuses the user, or what the user wants.
func unauthorized(err error) bool {
	text := err.Error()
	return hasCode(err, codeUnauthorized) || hasCode(err, codeAuthenticationFailed) ||
		strings.Contains(text, "auth error") || strings.Contains(text, "AuthenticationFailed")
}
