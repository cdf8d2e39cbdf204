package storagetest

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/topicdesk/topicdesk/storage"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestModel runs the suite on the model, so that the two are known to agree.
func TestModel(t *testing.T) {
	Run(t, Factory{Open: func(*testing.T) storage.Store { return newModel() }})
}
