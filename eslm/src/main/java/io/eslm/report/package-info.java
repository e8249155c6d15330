// SPDX-License-Identifier: Apache-2.0

/** The log of a run for tools, its report for people, and the charts and tables of all pages. */
package io.eslm.report;
