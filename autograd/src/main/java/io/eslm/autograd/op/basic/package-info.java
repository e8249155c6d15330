// SPDX-License-Identifier: Apache-2.0
/**
 * The ops that any model is built from, one file each: equation, shapes, forward, backward, and samples for the tests.
 * To add one, add its file; the tests find it. Legend and conventions: {@link io.eslm.autograd.op}.
 */
package io.eslm.autograd.op.basic;
