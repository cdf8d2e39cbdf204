package entity

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/messages"
)

// TestLibraryLogsNoWords: the library logs messages that it can't deliver, and these may have what people say.
func TestLibraryLogsNoWords(t *testing.T) {
	var logged bytes.Buffer
	log := slog.New(lower{slog.NewTextHandler(&logged, nil)}).With("lib", "protoactor")
	log.Error("EndpointWatcher received a message", "address", "127.0.0.1:1", "message", &messages.OpenTicket{Title: "swordfish"})
	for _, want := range []string{"level=WARN", "lib=protoactor", "address=127.0.0.1:1", "message=*messages.OpenTicket"} {
		if !strings.Contains(logged.String(), want) {
			t.Errorf("%s does not have %s", &logged, want)
		}
	}
	if strings.Contains(logged.String(), "swordfish") {
		t.Errorf("it has words: %s", &logged)
	}
}
