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
	codeBadValue             = 2
	codeUnauthorized         = 13
	codeAuthenticationFailed = 18
	codeIndexNotFound        = 27
	codeNamespaceExists      = 48
	codeIndexOptionsConflict = 85
	codeDuplicateKey         = 11000
)

// lasting lists the codes of errors that the same command would meet again: the command, or the server's version, is
// the cause.
var lasting = []int{
	codeBadValue,
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

// errBroken says that a stored document can't be decoded, or a record can't be encoded.
var errBroken = errors.New("mongodb: a broken record")

// explain turns an error of the driver into one of the contract: storage.ErrUnavailable unless the error is lasting.
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
	// The cause is not wrapped: it may be the deadline of a command, which is not that of the caller's context.
	cause := oneLine(lastPart(err.Error()))
	return &refusal{fmt.Sprintf("%v: mongodb: %s: %s", storage.ErrUnavailable, s.name, cause), storage.ErrUnavailable}
}

// ours says whether the error is one of the contract already.
func ours(err error) bool {
	for _, e := range []error{
		storage.ErrNotFound, storage.ErrConflict, storage.ErrExists, storage.ErrTopicTaken,
		storage.ErrExternalIDTaken, storage.ErrNumberTaken, storage.ErrNameTaken, storage.ErrUnavailable, storage.ErrSchema,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// refusal wraps an error and replaces its text by one line.
type refusal struct {
	text string
	err  error
}

func (r *refusal) Error() string { return r.text }
func (r *refusal) Unwrap() error { return r.err }

// oneLine returns the text without line breaks and other control characters, cut to the length of a line.
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

// lastPart returns the cause of a server selection error. The driver's text lists all servers with their last errors.
func lastPart(text string) string {
	if _, last, ok := strings.Cut(text, "Last error: "); ok {
		last, _, _ = strings.Cut(last, " }")
		return last
	}
	return text
}
