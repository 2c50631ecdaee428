// Package files finds the files that are named to an import and opens them:
// plain files, .gz, .zst, each file in a .zip, what is in a folder, what a
// pattern matches, and standard input. What a file is shows in its first bytes;
// its name may be anything.
package files
