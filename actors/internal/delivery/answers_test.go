package delivery

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestAnswersThatAreHardToRead(t *testing.T) {
	forever := func(write string) func(net.Conn, int) {
		return func(conn net.Conn, _ int) {
			if _, err := readRequest(conn); err != nil {
				return
			}
			_, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
			for err == nil {
				_, err = io.WriteString(conn, write)
			}
		}
	}
	hanging := func(answer string) func(net.Conn, int) {
		return func(conn net.Conn, _ int) {
			if _, err := readRequest(conn); err == nil {
				say(conn, answer)
				drain(conn) // until the other side gives up
			}
		}
	}
	for what, tt := range map[string]struct {
		conversation func(net.Conn, int)
		verdict      Verdict
		kind         Kind
		status       int
		contains     string // the error
		response     int    // its length
	}{
		"endless body":          {forever(strings.Repeat("x", 4096)), Success, "", 200, "", longestAnswer},
		"long body":             {answering("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + strings.Repeat("x", 99999)), Success, "", 200, "", longestAnswer},
		"exactly 16 kB":         {answering("HTTP/1.1 200 OK\r\nContent-Length: 16384\r\n\r\n" + strings.Repeat("x", 16384)), Success, "", 200, "", longestAnswer},
		"long error":            {answering("HTTP/1.1 500 No\r\n\r\n" + strings.Repeat("x", 99999)), Retry, HTTP, 500, "500", longestAnswer},
		"body that never ends":  {hanging("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), Retry, Timeout, 200, "the receiver answered 200 OK, but the answer did not end within", 3},
		"chunk that never ends": {hanging("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc"), Retry, Timeout, 200, "did not end", 3},
		"410 that never ends":   {hanging("HTTP/1.1 410 Gone\r\nContent-Length: 10\r\n\r\nabc"), Disable, Timeout, 410, "the receiver answered 410 Gone, but", 3},
		"503 that never ends":   {hanging("HTTP/1.1 503 No\r\nRetry-After: 3\r\nContent-Length: 10\r\n\r\n"), RetryAndSlow, Timeout, 503, "503", 0},
		"headers never end":     {hanging("HTTP/1.1 200 OK\r\nX-A: "), Retry, Timeout, 0, "no answer came within 1s", 0},
		"nothing at all":        {hanging(""), Retry, Timeout, 0, "no answer came within 1s", 0},
		"body breaks off":       {answering("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), Retry, Reset, 200, "but the connection was lost", 3},
		"chunk breaks off":      {answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc"), Retry, Reset, 200, "lost", 3},
		"chunk that lies":       {answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabcdef\r\n0\r\n\r\n"), Retry, Protocol, 200, "not valid HTTP", 2},
		"chunk without size":    {answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), Retry, Protocol, 200, "not valid HTTP", 0},
		"huge chunk":            {answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nx"), Retry, Protocol, 200, "not valid HTTP", 0},
		"length that lies":      {answering("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef"), Success, "", 200, "", 3},
		"two lengths":           {answering("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"), Retry, Protocol, 0, "not valid HTTP", 0},
		"no HTTP":               {answering("hello\r\n\r\n"), Retry, Protocol, 0, "not valid HTTP", 0},
		"SSH":                   {answering("SSH-2.0-OpenSSH_9.6\r\n"), Retry, Protocol, 0, "not valid HTTP", 0},
		"no status":             {answering("HTTP/1.1 abc OK\r\n\r\n"), Retry, Protocol, 0, "not valid HTTP", 0},
		"huge headers":          {answering("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 1<<20) + "\r\n\r\n"), Retry, Protocol, 0, "longer than 64 kB", 0},
		"endless headers":       {answering("HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", 1<<16) + "\r\n"), Retry, Protocol, 0, "longer than 64 kB", 0},
		"informed first":        {answering("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"), Success, "", 204, "", 0},
		"endless information":   {answering(strings.Repeat("HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n", 1<<14)), Retry, Protocol, 0, "", 0},
		"another protocol":      {hanging("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"), Retry, HTTP, 101, "101 Switching Protocols", 0},
		"HTTP/1.0":              {answering("HTTP/1.0 200 OK\r\n\r\nabc"), Success, "", 200, "", 3},
		"no UTF-8":              {answering("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n\xff\xfe\xfd"), Success, "", 200, "", 3},
		"packed":                {answering("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"), Success, "", 200, "", 3},
		"error before the body": {func(conn net.Conn, _ int) {
			// The headers alone: who answers before the request has begun speaks another protocol.
			if _, err := http.ReadRequest(bufio.NewReaderSize(conn, 16)); err == nil {
				say(conn, "HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n")
				drain(conn)
			}
		}, Retry, HTTP, 400, "400", 0},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			url, _ := speak(t, tt.conversation)
			began := time.Now()
			timeout := DefaultTimeout
			if tt.kind == Timeout {
				timeout = time.Second
			}
			res := clientOf(t, Options{Timeout: timeout}).Do(context.Background(), request(url))
			if res.Verdict != tt.verdict || res.Kind != tt.kind || res.Status != tt.status || !strings.Contains(res.Error, tt.contains) ||
				len(res.Response) != tt.response {
				t.Errorf("%.500v", fmt.Sprintf("%d bytes, %+v", len(res.Response), res))
			}
			if took := time.Since(began); took >= DefaultTimeout {
				t.Errorf("took %s", took)
			}
		})
	}
}

func TestTheBeginningOfAnAnswerIsValidText(t *testing.T) {
	for _, body := range []string{strings.Repeat("สวัสดี", 2000), strings.Repeat("a\xff", longestAnswer), strings.Repeat("a", longestAnswer-1) + "é"} {
		url, _ := speak(t, answering("HTTP/1.1 200 OK\r\n\r\n"+body))
		res := clientOf(t, Options{}).Do(context.Background(), request(url))
		if len(res.Response) > longestAnswer || len(res.Response) < longestAnswer-6 || strings.ToValidUTF8(res.Response, "") != res.Response {
			t.Errorf("%d bytes, %+v", len(res.Response), res)
		}
	}
}
