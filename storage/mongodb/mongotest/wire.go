package mongotest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// MongoDB's wire protocol, as far as the proxy needs it:
// https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/

const (
	headerSize = 16
	opMsg      = 2013
	opQuery    = 2004
)

// message is one message with its header.
type message []byte

func (m message) id() int32     { return int32(binary.LittleEndian.Uint32(m[4:])) }
func (m message) opcode() int32 { return int32(binary.LittleEndian.Uint32(m[12:])) }

func readMessage(r io.Reader) (message, error) {
	var header [headerSize]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return nil, err
	}
	size := binary.LittleEndian.Uint32(header[:])
	if size < headerSize || size > 64<<20 {
		return nil, fmt.Errorf("a message of %d bytes", size)
	}
	m := make(message, size)
	copy(m, header[:])
	_, err := io.ReadFull(r, m[headerSize:])
	return m, err
}

// Command is one command to the server.
type Command struct {
	Name string   // such as insert
	Body bson.Raw // the command itself
	// Documents are those that insert, update and delete have in sections of their own.
	Documents []bson.Raw
}

// Collection returns the collection of the command, or "" if it has none.
func (c *Command) Collection() string {
	name, _ := c.Body.Lookup(c.Name).StringValueOK()
	return name
}

// parse returns the command of a message. It returns nil for the legacy greeting, which is not an OP_MSG.
func parse(m message) (*Command, error) {
	if m.opcode() != opMsg {
		return nil, nil
	}
	c := &Command{}
	for rest := m[headerSize+4:]; len(rest) > 0; {
		kind := rest[0]
		rest = rest[1:]
		if len(rest) < 4 {
			return nil, errors.New("a section is too short")
		}
		size := int(binary.LittleEndian.Uint32(rest))
		if size < 5 || size > len(rest) {
			return nil, errors.New("a section is longer than its message")
		}
		section := rest[:size]
		rest = rest[size:]
		if kind == 0 {
			c.Body = bson.Raw(section)
			continue
		}
		section = section[4:]
		for len(section) > 0 && section[0] != 0 { // the name of the sequence
			section = section[1:]
		}
		for section = section[1:]; len(section) >= 5; {
			n := int(binary.LittleEndian.Uint32(section))
			if n < 5 || n > len(section) {
				return nil, errors.New("a document is longer than its section")
			}
			c.Documents = append(c.Documents, bson.Raw(section[:n]))
			section = section[n:]
		}
	}
	first, err := c.Body.IndexErr(0)
	if err != nil {
		return nil, err
	}
	c.Name = first.Key()
	return c, nil
}

// build returns a message with one document. answers is the id of the message that it answers, or 0.
func build(id, answers int32, document any) (message, error) {
	body, err := bson.Marshal(document)
	if err != nil {
		return nil, err
	}
	m := make(message, headerSize+5, headerSize+5+len(body))
	binary.LittleEndian.PutUint32(m, uint32(cap(m)))
	binary.LittleEndian.PutUint32(m[4:], uint32(id))
	binary.LittleEndian.PutUint32(m[8:], uint32(answers))
	binary.LittleEndian.PutUint32(m[12:], opMsg)
	return append(m, body...), nil
}
