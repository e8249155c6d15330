// SPDX-License-Identifier: Apache-2.0

/**
 * Tells one training step: {@link io.eslm.explain.Explainer} takes a {@link io.eslm.explain.Step} several times and makes an
 * {@link io.eslm.explain.Explanation} of it, which a table, JSON and a page show.
 */
package io.eslm.explain;
