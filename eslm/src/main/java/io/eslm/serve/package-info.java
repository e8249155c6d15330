// SPDX-License-Identifier: Apache-2.0

/** A server of completions that speaks OpenAI's HTTP interface. */
package io.eslm.serve;
