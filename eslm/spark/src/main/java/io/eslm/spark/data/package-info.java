// SPDX-License-Identifier: Apache-2.0

/**
 * Jobs on a corpus that is too large for one machine: preparation, scores, evaluation. Results have the same bytes as on one
 * machine, whatever the number of executors and parts.
 */
package io.eslm.spark.data;
