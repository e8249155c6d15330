// SPDX-License-Identifier: Apache-2.0

/** What a training run writes into its folder: the log for tools and the report for people. */
package io.eslm.report;
