"""The reading site: the whole course as pages for a browser without Python and without a network.

``python -m course_staff.site`` builds ``site/`` from the executed solutions; it executes no notebook. Sphinx and
MyST-NB make the pages (:mod:`course_staff.site.build`), the sliders' pictures are computed over their grids
(:mod:`course_staff.site.sliders`) and kept in ``build/site/`` until their chapter changes.
"""
