// SPDX-License-Identifier: Apache-2.0

/** The objectives of the methods, and the list of them in {@link io.eslm.select.objective.EslmMethods}. */
package io.eslm.select.objective;
