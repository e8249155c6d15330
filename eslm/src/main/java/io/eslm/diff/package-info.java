// SPDX-License-Identifier: Apache-2.0

/** Compares two models of one shape: their weights, and the losses that they give the tokens of a text. */
package io.eslm.diff;
