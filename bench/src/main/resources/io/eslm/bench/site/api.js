// SPDX-License-Identifier: Apache-2.0
'use strict';
// Javadoc's own script needs it, and pages without Javadoc's search do not say it.
const pathtoroot = new URL('..', document.currentScript.src).href;
