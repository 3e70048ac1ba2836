"""The URLs of one host of ``django_languages``."""

from django.urls import path

from tests.support.django_project import read_number

urlpatterns = [path("partner-numbers", read_number)]
