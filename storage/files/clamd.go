package files

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

// clamd has ClamAV's daemon scan a file (clamd(8), command INSTREAM: chunks that begin with their length, and an
// empty chunk at the end).
type clamd struct{ addr string }

const (
	clamdChunk = 64 << 10        // bytes
	clamdTime  = 2 * time.Minute // limit of one scan
)

// scan returns the name of the virus that was found, or "". A file that is larger than clamd accepts is
// *storage.RefusedError. After any other error a later scan may succeed.
func (c *clamd) scan(ctx context.Context, file io.Reader) (found string, err error) {
	ctx, cancel := context.WithTimeout(ctx, clamdTime)
	defer cancel()
	network, addr := "tcp", c.addr
	if path, ok := strings.CutPrefix(c.addr, "unix:"); ok {
		network, addr = "unix", path
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if err != nil {
		return "", fmt.Errorf("files: ClamAV does not answer: %w", err)
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	sendErr := stream(conn, file)
	// When the stream is too long, clamd answers so and closes the connection before it has read everything.
	answer, err := bufio.NewReader(io.LimitReader(conn, 4096)).ReadString(0)
	answer = strings.TrimSpace(strings.Trim(answer, "\x00"))
	answer = strings.TrimPrefix(answer, "stream: ")
	if name, ok := strings.CutSuffix(answer, " FOUND"); ok {
		return name, nil
	}
	switch {
	case answer == "OK" && sendErr == nil:
		return "", nil
	case strings.Contains(answer, "size limit exceeded"):
		return "", &storage.RefusedError{Reason: "larger than the virus scanner accepts", Rule: storage.RuleSize}
	case answer != "":
		return "", fmt.Errorf("files: ClamAV answered %q", answer)
	case sendErr != nil:
		return "", fmt.Errorf("files: ClamAV: %w", sendErr)
	}
	return "", fmt.Errorf("files: ClamAV gave no answer: %w", err)
}

func stream(conn io.Writer, file io.Reader) error {
	if _, err := io.WriteString(conn, "zINSTREAM\x00"); err != nil {
		return err
	}
	chunk := make([]byte, 4+clamdChunk)
	for {
		n, err := file.Read(chunk[4:])
		if n > 0 {
			binary.BigEndian.PutUint32(chunk, uint32(n))
			if _, err := conn.Write(chunk[:4+n]); err != nil {
				return err
			}
		}
		if err == io.EOF {
			_, err = conn.Write([]byte{0, 0, 0, 0})
			return err
		}
		if err != nil {
			return err
		}
	}
}
