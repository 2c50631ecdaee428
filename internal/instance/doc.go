// Package instance is what serve, demo, analyze and every shorter command
// compose: the engines, the folder, the pipeline on top of them and the roles.
//
// Engines are a broker and a ClickHouse: those that a Config names, those of
// the instance that runs in the Config's folder, or embedded ones that Open
// starts in the folder and Engines.Close stops. The folder's lock belongs to
// the one process that runs engines or roles in it; its Description, which
// others read, says where the engines are and how each role is. Passwords of
// engines that are not embedded are never written there.
//
// A Pipeline is the engines with topics and tables made and checked. OpenPipeline
// makes what is missing; JoinPipeline makes nothing.
//
// Roles are supervised (Supervisor): each opens what it needs, one that ends
// with an error that may pass is started again with back-off, and one that fails
// for good ends the others after they have finished what they hold. Stop returns
// when all of them have ended, so nothing of this package runs after it.
//
// A Session is a short command's way to a pipeline, with the roles that it needs
// on engines of its own.
//
// The package prints nothing. Config and Session have callbacks that report the
// progress of long waits.
package instance
