// SPDX-License-Identifier: Apache-2.0

/** Instance-level selection: chooses whole windows by a cheap estimate of their risk, before the forward pass. */
package io.eslm.select.instance;
