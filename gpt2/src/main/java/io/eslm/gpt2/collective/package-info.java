// SPDX-License-Identifier: Apache-2.0

/** What processes on one or several machines do together: sums of their numbers, and exchanges. docs/scale.md. */
package io.eslm.gpt2.collective;
