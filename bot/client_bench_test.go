package bot

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	tg "github.com/go-telegram/bot"
	"github.com/go-telegram/bot/models"

	"github.com/topicdesk/topicdesk/messages"
)

// benchServerEnv makes the test binary a Bot API server that always says yes, so that its CPU time is not counted.
const benchServerEnv = "TOPICDESK_BENCH_SERVER"

// sentAnswer has the length of Telegram's answers.
const sentAnswer = `{"ok":true,"result":{"message_id":4711,"from":{"id":123456789,"is_bot":true,"first_name":"Topicdesk","username":"topicdesk_bot"},` +
	`"chat":{"id":-1001234567890,"title":"Back office","is_forum":true,"type":"supergroup"},"date":1767225600,"message_thread_id":42,` +
	`"reply_to_message":{"message_id":42,"from":{"id":123456789,"is_bot":true,"first_name":"Topicdesk","username":"topicdesk_bot"},"chat":{"id":-1001234567890,` +
	`"title":"Back office","is_forum":true,"type":"supergroup"},"date":1767225000,"message_thread_id":42,"forum_topic_created":{"name":"Printer · 1A2B3C4D","icon_color":7322096},` +
	`"is_topic_message":true},"text":"Ann Lee\nThe printer on the second floor is on fire again","entities":[{"offset":0,"length":7,"type":"bold"}],"is_topic_message":true}}`

func benchServer() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(l.Addr())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // ends with the benchmark
		os.Exit(0)
	}()
	panic(http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, sentAnswer)
	})))
}

func startBenchServer(b *testing.B) (url string) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), benchServerEnv+"=1")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = stdin.Close(); _ = cmd.Wait() })
	addr, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return "http://" + strings.TrimSpace(addr)
}

// BenchmarkSendMessage measures the CPU time that this process spends on one copy, system calls included: "json" as
// Client does it, "library" as go-telegram/bot's own SendMessage does.
func BenchmarkSendMessage(b *testing.B) {
	c := newTestClient(b, startBenchServer(b), testToken)
	op := copyOp(&messages.SendCopyCall{SenderName: "Ann Lee", ReplyTo: 40, Content: &messages.Content{
		Text: "The printer on the second floor is on fire again", Entities: []*messages.Entity{{Type: "italic", Offset: 4, Length: 7}}}})
	op.ThreadId = 42
	measure := func(b *testing.B, call func() error) {
		b.ReportAllocs()
		b.SetParallelism(8) // of each CPU: calls run side by side
		start := cpuTime(b)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := call(); err != nil {
					b.Error(err)
					return
				}
			}
		})
		b.ReportMetric(float64((cpuTime(b)-start).Microseconds())/float64(b.N), "cpu-µs/op")
	}
	b.Run("json", func(b *testing.B) {
		measure(b, func() error {
			if out := c.Call(context.Background(), -1001234567890, "en", op); out.Result != messages.Outcome_DONE {
				return fmt.Errorf("%v", out)
			}
			return nil
		})
	})
	b.Run("library", func(b *testing.B) {
		measure(b, func() error {
			text := renderCopy(langEnglish, op.GetSendCopy())
			entities := make([]models.MessageEntity, len(text.Entities))
			for i, e := range text.Entities {
				entities[i] = e.MessageEntity
			}
			return c.library(context.Background(), methodSendMessage, func(ctx context.Context) error {
				_, err := c.lib.SendMessage(ctx, &tg.SendMessageParams{ChatID: int64(-1001234567890), MessageThreadID: 42, Text: text.Text,
					Entities: entities, ReplyParameters: replyTo(40, "")})
				return err
			})
		})
	})
}

// BenchmarkRenderCopy measures what rendering one copy takes.
func BenchmarkRenderCopy(b *testing.B) {
	for name, text := range map[string]string{"short": "The printer is on fire", "thai": strings.Repeat("เครื่องพิมพ์ไหม้ ", 60), "long": strings.Repeat("word and word ", 600)} {
		op := copyOp(&messages.SendCopyCall{SenderName: "Ann Lee", Content: &messages.Content{Text: text, Entities: []*messages.Entity{{Type: "italic", Offset: 4, Length: 7}}}})
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := render(1, "en", op); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
