// SPDX-License-Identifier: Apache-2.0

/** Pages about runs, in a file or served while a run trains, and the small HTTP layer that serves them. */
package io.eslm.web;
