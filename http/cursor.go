package httpedge

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
)

// A cursor says where the next page begins: the key of the last item of this one. It is opaque, and bound to the list that it
// is of and to what was asked of it; one that was tampered with, or goes to another list, is refused. It is no secret: the mark
// keeps programs from relying on what is inside, since that may change.

const cursorMark = 6 // bytes

var cursorKey = []byte("topicdesk cursor 1")

// cursorOf words the key of the last item of a page. list names the operation and what it was asked (filters, sorting).
func cursorOf(list string, key any) string {
	text, err := json.Marshal(key)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(append(markOf(list, text), text...))
}

// readCursor reads a cursor into key; it is the problem of the parameter "cursor" when it is none of this list.
func readCursor(list, cursor string, key any) error {
	data, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err == nil && len(data) > cursorMark && hmac.Equal(data[:cursorMark], markOf(list, data[cursorMark:])) &&
		json.Unmarshal(data[cursorMark:], key) == nil {
		return nil
	}
	p := problem(codeInvalid)
	p.Errors = []FieldError{{In: "query", Name: "cursor", Detail: "this is no cursor of this list with these filters; begin without one"}}
	return p
}

func markOf(list string, text []byte) []byte {
	h := hmac.New(sha256.New, cursorKey)
	h.Write([]byte(list))
	h.Write([]byte{0})
	h.Write(text)
	return h.Sum(nil)[:cursorMark]
}

// PageInput is what every list is asked.
type PageInput struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"50" doc:"How many items a page has at most."`
	Cursor string `query:"cursor" maxLength:"500" doc:"The nextCursor of the page before. Without it the list begins."`
}

// List is the answer of every list.
type List[T any] struct {
	Data       []T     `json:"data" nullable:"false" doc:"The items of this page."`
	NextCursor *string `json:"nextCursor" doc:"The cursor of the next page; null: this is the last one."`
}

// listOf makes a page of what was read: one item more than wanted says that there is another page.
func listOf[R, T any](records []R, limit int, list string, key func(R) any, view func(R) T) List[T] {
	l := List[T]{Data: []T{}}
	for i, r := range records {
		if i == limit {
			next := cursorOf(list, key(records[limit-1]))
			l.NextCursor = &next
			break
		}
		l.Data = append(l.Data, view(r))
	}
	return l
}
