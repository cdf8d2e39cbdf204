package storagetest

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/topicdesk/topicdesk/storage"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestModel holds the model to the suite, and so the suite to the model.
func TestModel(t *testing.T) {
	Run(t, Factory{Open: func(*testing.T) storage.Store { return newModel() }})
}
