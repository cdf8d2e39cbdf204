package messages_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"
)

// TestGeneratedIsCurrent generates the Go code again, in memory, and compares it with what is committed. It uses buf's
// compiler as a library, and the same plugin as buf.gen.yaml: buf itself takes minutes to build on a fresh machine.
func TestGeneratedIsCurrent(t *testing.T) {
	protos, err := filepath.Glob("*.proto")
	if err != nil || len(protos) == 0 {
		t.Fatalf("no protobuf files: %v", err)
	}
	var names []string
	for _, name := range protos {
		names = append(names, "messages/"+name)
	}
	compiler := protocompile.Compiler{
		Resolver:       protocompile.WithStandardImports(&protocompile.SourceResolver{ImportPaths: []string{".."}}),
		SourceInfoMode: protocompile.SourceInfoStandard, // comments go into the code
	}
	files, err := compiler.Compile(t.Context(), names...)
	if err != nil {
		t.Fatal(err)
	}
	request := &pluginpb.CodeGeneratorRequest{FileToGenerate: names, Parameter: proto.String("paths=source_relative")}
	seen := map[string]bool{}
	for _, file := range files {
		request.ProtoFile = appendWithImports(request.ProtoFile, file, seen)
	}

	generated := map[string]string{}
	for _, file := range generate(t, request).File {
		generated[file.GetName()] = file.GetContent()
	}
	for _, name := range names {
		name = name[:len(name)-len(".proto")] + ".pb.go"
		committed, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Error(err)
		}
		if generated[name] != string(committed) {
			t.Errorf("%s is not what its .proto says: run `make gen`", name)
		}
		delete(generated, name)
	}
	for name := range generated {
		t.Errorf("%s is generated and nobody expects it", name)
	}
	leftovers, _ := filepath.Glob("*.pb.go")
	if len(leftovers) != len(protos) {
		t.Errorf("%d files .pb.go of %d files .proto: delete what is left over of an old one", len(leftovers), len(protos))
	}
}

// appendWithImports appends a file behind the files that it imports, as plugins want them.
func appendWithImports(all []*descriptorpb.FileDescriptorProto, file protoreflect.FileDescriptor, seen map[string]bool) []*descriptorpb.FileDescriptorProto {
	if seen[file.Path()] {
		return all
	}
	seen[file.Path()] = true
	for i := range file.Imports().Len() {
		all = appendWithImports(all, file.Imports().Get(i).FileDescriptor, seen)
	}
	return append(all, protodesc.ToFileDescriptorProto(file))
}

func generate(t *testing.T, request *pluginpb.CodeGeneratorRequest) *pluginpb.CodeGeneratorResponse {
	t.Helper()
	input, err := proto.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	var complaints bytes.Buffer
	plugin := exec.CommandContext(t.Context(), "go", "run", "google.golang.org/protobuf/cmd/protoc-gen-go")
	plugin.Stdin, plugin.Stderr = bytes.NewReader(input), &complaints
	output, err := plugin.Output()
	if err != nil {
		t.Fatalf("protoc-gen-go: %v\n%s", err, complaints.Bytes())
	}
	response := &pluginpb.CodeGeneratorResponse{}
	if err := proto.Unmarshal(output, response); err != nil {
		t.Fatal(err)
	}
	if response.Error != nil {
		t.Fatalf("protoc-gen-go: %s", response.GetError())
	}
	return response
}
