// SPDX-License-Identifier: Apache-2.0
/** How a training scales over machines, foretold: a cost model and a simulation. */
package io.eslm.bench.scale;
