package cluster

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
)

// guards keep what comes over the network from ending this process: Proto.Actor panics at requests that it does not expect.
func guards(log *slog.Logger) []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.StreamInterceptor(func(s any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) (err error) {
			defer func() {
				if r := recover(); r != nil {
					log.Error("cluster: a node or a stranger has sent what can't be read; its connection ends", "error", r)
					err = status.Error(codes.Internal, "what was sent can't be read")
				}
			}()
			return next(s, stream)
		}),
		// Nodes talk over streams.
		grpc.UnaryInterceptor(func(_ context.Context, _ any, info *grpc.UnaryServerInfo, _ grpc.UnaryHandler) (any, error) {
			return nil, status.Error(codes.Unimplemented, info.FullMethod+" is not offered")
		}),
		grpc.ConnectionTimeout(greetWithin),
	}
}

// bounded lets each host begin only so many connections at a time, so that one which connects and says nothing costs little.
type bounded struct {
	credentials.TransportCredentials

	mu       sync.Mutex
	greeting map[string]int // connections that have not shown a certificate yet, by host
}

func newBounded(c credentials.TransportCredentials) *bounded {
	return &bounded{TransportCredentials: c, greeting: map[string]int{}}
}

// ServerHandshake implements credentials.TransportCredentials.
func (b *bounded) ServerHandshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	host, _, err := net.SplitHostPort(conn.RemoteAddr().String())
	if err != nil {
		return nil, nil, err
	}
	if !b.enter(host) {
		return nil, nil, errors.New("too many connections of this host begin at a time")
	}
	defer b.leave(host)
	return b.TransportCredentials.ServerHandshake(conn)
}

func (b *bounded) enter(host string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.greeting[host] >= greetingAtMost {
		return false
	}
	b.greeting[host]++
	return true
}

func (b *bounded) leave(host string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.greeting[host]--; b.greeting[host] == 0 {
		delete(b.greeting, host)
	}
}
