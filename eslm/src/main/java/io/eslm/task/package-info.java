// SPDX-License-Identifier: Apache-2.0

/** Zero-shot evaluations on the tasks that papers report, defined as in lm-evaluation-harness. */
package io.eslm.task;
