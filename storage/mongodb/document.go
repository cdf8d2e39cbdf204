package mongodb

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"time"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// document is a record as it is stored.
type document[T any] struct {
	ID     any `bson:"_id"`
	Record T   `bson:",inline"`
	// Index holds the values that indexes need and that the record does not have in that form. Their indexes are sparse:
	// a document without a value is not in the index on it.
	Index bson.D `bson:"index,omitempty"`
	// WriteID is the id of the write that made this state of the document. By it a writer that got no answer finds out
	// whether its write was carried out.
	WriteID bson.ObjectID `bson:"writeId"`
}

// encode returns the document of a record, and the id of its write.
func encode[T any](id any, record T, index ...bson.E) (bson.Raw, bson.ObjectID, error) {
	d := document[T]{ID: id, Record: record, WriteID: bson.NewObjectID()}
	if len(index) > 0 {
		d.Index = index
	}
	var b bytes.Buffer
	e := bson.NewEncoder(bson.NewDocumentWriter(&b))
	e.SetRegistry(registry)
	e.UseJSONStructTags()
	e.ErrorOnInlineDuplicates()
	if err := e.Encode(d); err != nil {
		return nil, d.WriteID, fmt.Errorf("%w: it can't be encoded: %w", errBroken, err)
	}
	return b.Bytes(), d.WriteID, nil
}

func decode[T any](raw bson.Raw) (T, error) {
	var record T
	d := bson.NewDecoder(bson.NewDocumentReader(bytes.NewReader(raw)))
	d.SetRegistry(registry)
	d.UseJSONStructTags()
	if err := d.Decode(&record); err != nil {
		return record, fmt.Errorf("%w: it can't be decoded: %w", errBroken, err)
	}
	return record, nil
}

// registry says how fields of records become BSON, so that each is read back as its JSON form would be.
var registry = func() *bson.Registry {
	r := bson.NewRegistry()
	r.RegisterKindEncoder(reflect.String, bson.ValueEncoderFunc(encodeString))
	r.RegisterKindEncoder(reflect.Float64, bson.ValueEncoderFunc(encodeFloat))
	r.RegisterTypeEncoder(reflect.TypeFor[time.Time](), bson.ValueEncoderFunc(encodeTime))
	r.RegisterTypeEncoder(reflect.TypeFor[json.RawMessage](), bson.ValueEncoderFunc(encodeJSON))
	r.RegisterTypeDecoder(reflect.TypeFor[json.RawMessage](), bson.ValueDecoderFunc(decodeJSON))
	return r
}()

// encodeString replaces each byte that is not UTF-8, which BSON does not allow, by U+FFFD.
func encodeString(_ bson.EncodeContext, w bson.ValueWriter, v reflect.Value) error {
	return w.WriteString(valid(v.String()))
}

func valid(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	return string([]rune(text))
}

func encodeFloat(_ bson.EncodeContext, w bson.ValueWriter, v reflect.Value) error {
	f := v.Float()
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return fmt.Errorf("%v is no number", f)
	}
	return w.WriteDouble(f)
}

// encodeTime writes a time that is not set as null: in an index, a date of the year 1 would come before all others.
func encodeTime(_ bson.EncodeContext, w bson.ValueWriter, v reflect.Value) error {
	t := v.Interface().(time.Time)
	if t.IsZero() {
		return w.WriteNull()
	}
	return w.WriteDateTime(t.UnixMilli())
}

// encodeJSON writes JSON as text. As a document it would lose the difference between 1 and 1.0, and documents can't
// have all names that JSON can.
func encodeJSON(_ bson.EncodeContext, w bson.ValueWriter, v reflect.Value) error {
	text := v.Bytes()
	if text == nil {
		return w.WriteNull()
	}
	var b bytes.Buffer
	if err := json.Compact(&b, text); err != nil {
		return err
	}
	return w.WriteString(valid(b.String()))
}

func decodeJSON(_ bson.DecodeContext, r bson.ValueReader, v reflect.Value) error {
	switch r.Type() {
	case bson.TypeNull:
		v.SetBytes(nil)
		return r.ReadNull()
	case bson.TypeString:
		text, err := r.ReadString()
		v.SetBytes([]byte(text))
		return err
	}
	return errors.New("JSON must be stored as a string, but this is " + r.Type().String())
}

// validID refuses ids that could not be found again, since a document keeps only valid UTF-8.
func validID(what string, ids ...string) error {
	for _, id := range ids {
		if id == "" || !utf8.ValidString(id) {
			return fmt.Errorf("mongodb: %q can't be the %s of a record: it is empty or not UTF-8", id, what)
		}
	}
	return nil
}

// e is short for an element of a document.
func e(key string, value any) bson.E { return bson.E{Key: key, Value: value} }

// milli returns a time as documents keep it.
func milli(t time.Time) bson.DateTime { return bson.DateTime(t.UnixMilli()) }

// due returns what the indexes on due records need. A record with nothing pending has nothing in them.
func due(id string, at time.Time) []bson.E {
	if at.IsZero() {
		return nil
	}
	return []bson.E{e("due", bson.D{e("at", milli(at)), e("id", id)})}
}
