package warehouse

import (
	"bytes"
	"io/fs"
	"text/template"
	"time"
)

// engineWords are the values of our DDL's placeholders.
type engineWords struct{ Replicated, OnCluster string }

func (c Config) engineWords() engineWords {
	w := engineWords{OnCluster: c.onCluster()}
	if c.Engine == Replicated {
		w.Replicated = "Replicated"
	}
	return w
}

// SQL is the text of sql/NAME.sql in files, its placeholders ({{.Word}}) filled
// in from words. They are for what the server takes no parameter for: names of
// ours in DDL, never values of others. It panics where the file or a word is
// missing: both are part of the program.
func SQL(files fs.FS, name string, words any) string {
	text, err := fs.ReadFile(files, "sql/"+name+".sql")
	if err != nil {
		panic(err)
	}
	filled, err := fill(name, string(text), words)
	if err != nil {
		panic(err)
	}
	return filled
}

func fill(name, text string, w any) (string, error) {
	t, err := template.New(name).Option("missingkey=error").Parse(text)
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	err = t.Execute(&out, w)
	return out.String(), err
}

// filledFS is a file system of SQL files with the placeholders filled in.
type filledFS struct {
	fs.FS
	words engineWords
}

func (f filledFS) Open(name string) (fs.File, error) {
	file, err := f.FS.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil || info.IsDir() {
		return file, err
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	text, err := fs.ReadFile(f.FS, name)
	if err != nil {
		return nil, err
	}
	filled, err := fill(name, string(text), f.words)
	if err != nil {
		return nil, err
	}
	return &filledFile{Reader: bytes.NewReader([]byte(filled)), info: info}, nil
}

type filledFile struct {
	*bytes.Reader
	info fs.FileInfo
}

func (f *filledFile) Stat() (fs.FileInfo, error) { return f, nil }
func (f *filledFile) Close() error               { return nil }
func (f *filledFile) Name() string               { return f.info.Name() }
func (f *filledFile) Mode() fs.FileMode          { return f.info.Mode() }
func (f *filledFile) ModTime() time.Time         { return f.info.ModTime() }
func (f *filledFile) IsDir() bool                { return false }
func (f *filledFile) Sys() any                   { return nil }
