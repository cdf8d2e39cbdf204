package mongodb

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/topicdesk/topicdesk/storage"
)

var errClosed = fmt.Errorf("%w: the store is closed", storage.ErrUnavailable)

// Codes of MongoDB's errors (src/mongo/base/error_codes.yml).
const (
	codeUnauthorized         = 13
	codeAuthenticationFailed = 18
	codeNamespaceExists      = 48
	codeDuplicateKey         = 11000
)

// lasting are the codes of errors that the same command would meet again: something is wrong with it, or with the server's
// version, and not with the moment.
var lasting = []int{
	2,     // BadValue
	9,     // FailedToParse
	14,    // TypeMismatch
	16,    // InvalidLength
	22,    // InvalidBSON
	26,    // NamespaceNotFound
	59,    // CommandNotFound
	66,    // ImmutableField
	67,    // CannotCreateIndex
	72,    // InvalidOptions
	73,    // InvalidNamespace
	85,    // IndexOptionsConflict
	86,    // IndexKeySpecsConflict
	121,   // DocumentValidationFailure
	123,   // NotAReplicaSet
	238,   // NotImplemented
	10334, // BSONObjectTooLarge
}

func hasCode(err error, code int) bool {
	var e mongo.ServerError
	return errors.As(err, &e) && e.HasErrorCode(code)
}

// errBroken says that a stored document, or a record to be stored, is not what it should be.
var errBroken = errors.New("mongodb: a broken record")

// explain turns an error of the driver into one of the contract. What the server or the way to it is to blame for may pass.
func (s *Store) explain(err error) error {
	var unfit mongo.MarshalError
	switch {
	case err == nil || ours(err):
		return err
	case errors.Is(err, mongo.ErrClientDisconnected):
		return errClosed
	case errors.Is(err, errBroken), errors.As(err, &unfit),
		slices.ContainsFunc(lasting, func(code int) bool { return hasCode(err, code) }):
		return &refusal{fmt.Sprintf("mongodb: %s: %s", s.name, oneLine(err.Error())), err}
	}
	// Without the cause itself: it may be the end of a limit, which is not the end of the caller's context.
	return &refusal{fmt.Sprintf("%v: mongodb: %s: %s", storage.ErrUnavailable, s.name, oneLine(lastPart(err.Error()))), storage.ErrUnavailable}
}

// ours says that the error is one of the contract already.
func ours(err error) bool {
	for _, e := range []error{
		storage.ErrNotFound, storage.ErrConflict, storage.ErrExists, storage.ErrTopicTaken, storage.ErrUnavailable, storage.ErrSchema,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// refusal is an error with a text of its own, one line, that is still what it wraps.
type refusal struct {
	text string
	err  error
}

func (r *refusal) Error() string { return r.text }
func (r *refusal) Unwrap() error { return r.err }

// oneLine is the text without line breaks or other control characters, not longer than a line should be.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	if len(text) > 400 {
		text = strings.ToValidUTF8(text[:400], "") + "…"
	}
	return text
}

// lastPart finds the cause in an error of the search for a server, which lists all servers and what each said last.
func lastPart(text string) string {
	if _, last, ok := strings.Cut(text, "Last error: "); ok {
		last, _, _ = strings.Cut(last, " }")
		return last
	}
	return text
}
