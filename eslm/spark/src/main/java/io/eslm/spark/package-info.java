// SPDX-License-Identifier: Apache-2.0
/** Commands of the program on Apache Spark: docs/scale.md. Nothing outside this module knows of Spark. */
package io.eslm.spark;
