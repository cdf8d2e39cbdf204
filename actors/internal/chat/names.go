package chat

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/topicdesk/topicdesk/messages"
)

// jitter spreads a wait over its second half.
func jitter(d time.Duration) time.Duration {
	return d/2 + rand.N(d/2+1)
}

// operationName names the call of an operation for metrics and logs: "send_copy".
func operationName(op *messages.Operation) string {
	name, _ := strings.CutPrefix(fmt.Sprintf("%T", op.Call), "*messages.Operation_")
	var b strings.Builder
	for i, r := range name {
		if r >= 'A' && r <= 'Z' && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(r)
	}
	return strings.ToLower(b.String())
}
