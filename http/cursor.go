package httpedge

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
)

// A cursor says where the next page begins: it holds the key of the last item of this page. It is opaque and bound to
// its list with its filters and sorting: a cursor that was changed, or is sent to another list, is refused. It is no
// secret. Its mark keeps programs from relying on the content, which may change.

const cursorMark = 6 // bytes

var cursorKey = []byte("topicdesk cursor 1")

// cursorOf makes a cursor of the key of a page's last item. list names the operation with its filters and sorting.
func cursorOf(list string, key any) string {
	text, err := json.Marshal(key)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(append(markOf(list, text), text...))
}

// readCursor reads a cursor into key. A cursor that does not belong to this list is a problem of the parameter
// "cursor".
func readCursor(list, cursor string, key any) error {
	data, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err == nil && len(data) > cursorMark && hmac.Equal(data[:cursorMark], markOf(list, data[cursorMark:])) &&
		json.Unmarshal(data[cursorMark:], key) == nil {
		return nil
	}
	p := problem(codeInvalid)
	p.Errors = []FieldError{{In: "query", Name: "cursor",
		Detail: "not a cursor of this list with these filters; begin without one"}}
	return p
}

func markOf(list string, text []byte) []byte {
	h := hmac.New(sha256.New, cursorKey)
	h.Write([]byte(list))
	h.Write([]byte{0})
	h.Write(text)
	return h.Sum(nil)[:cursorMark]
}

// PageInput holds the parameters of every list.
type PageInput struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"50" doc:"The most items that a page may have."`
	Cursor string `query:"cursor" maxLength:"500" doc:"The nextCursor of the previous page. Absent for the first page."`
}

// List is the answer of every list.
type List[T any] struct {
	Data       []T     `json:"data" nullable:"false" doc:"The items of this page."`
	NextCursor *string `json:"nextCursor" doc:"The cursor of the next page. null on the last page."`
}

// listOf makes a page of records. The caller reads one more than limit: if it is there, there is another page.
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
