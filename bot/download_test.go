package bot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/topicdesk/topicdesk/actors"
)

const downloadToken = "123456789:AAdownloads-hold-the-token-in-their-address"

// fileServer answers getFile with a path and serves it with handle.
func fileServer(t *testing.T, path string, size int, handle http.HandlerFunc) (*Client, *bytes.Buffer) {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/bot"+downloadToken+"/getFile", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"ok":true,"result":{"file_id":"f","file_unique_id":"u","file_size":%d,"file_path":%q}}`, size, path)
	})
	if handle != nil {
		mux.HandleFunc("/file/bot"+downloadToken+"/", handle)
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	var log bytes.Buffer
	c, err := NewClient(Options{Token: downloadToken, BaseURL: server.URL, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, &log
}

func fetch(ctx context.Context, c *Client) (string, error) {
	body, _, err := c.OpenFile(ctx, "f", 0)
	if err != nil {
		return "", err
	}
	data, err := io.ReadAll(body)
	return string(data), errors.Join(err, body.Close())
}

func TestDownload(t *testing.T) {
	t.Run("a path with odd characters, after two errors", func(t *testing.T) {
		var asked atomic.Int32
		c, _ := fileServer(t, "documents/ใบ #1?.pdf", 5, func(w http.ResponseWriter, r *http.Request) {
			if asked.Add(1) < 3 {
				w.WriteHeader(http.StatusBadGateway)
				return
			}
			if !strings.HasSuffix(r.URL.Path, "/documents/ใบ #1?.pdf") {
				t.Errorf("asked for %s", r.URL.Path)
			}
			_, _ = io.WriteString(w, "hello")
		})
		if got, err := fetch(t.Context(), c); got != "hello" || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
	})
	t.Run("a file on this machine, from a local server", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "file_1.txt")
		if err := os.WriteFile(path, []byte("local"), 0o600); err != nil {
			t.Fatal(err)
		}
		c, _ := fileServer(t, path, 5, nil)
		if got, err := fetch(t.Context(), c); got != "local" || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
		c.cloud = true // Telegram's own server has no say in what is read here
		if got, err := fetch(t.Context(), c); err == nil {
			t.Errorf("got %q", got)
		}
	})
	t.Run("too large for Telegram's own server: not even asked", func(t *testing.T) {
		c, err := NewClient(Options{Token: downloadToken})
		if err != nil {
			t.Fatal(err)
		}
		var refused *actors.DownloadError
		if _, _, err := c.OpenFile(t.Context(), "f", 20<<20+1); !errors.As(err, &refused) || !refused.Refused ||
			refused.Reason != "too large for the Bot API server" {
			t.Errorf("got %v", err)
		}
	})
	t.Run("no error and no log has the token", func(t *testing.T) {
		for name, handle := range map[string]http.HandlerFunc{
			"404": http.NotFound,
			"redirect": func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "/elsewhere?"+r.URL.Path, http.StatusFound)
			},
			"cut":   func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
			"short": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hell") },
			"long":  func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello and more") },
		} {
			c, log := fileServer(t, "documents/a", 5, handle)
			_, err := fetch(t.Context(), c)
			if err == nil || strings.Contains(err.Error()+log.String(), "AAdownloads") ||
				strings.Contains(err.Error(), "/file/") {
				t.Errorf("%s: %v, log %q", name, err, log)
			}
		}
		c, _ := fileServer(t, "../../etc/passwd", 5, nil)
		if _, err := fetch(t.Context(), c); err == nil {
			t.Error("a path that leaves the folder was asked for")
		}
	})
}
